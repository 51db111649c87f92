"""What `meson install` puts down is enough to build a program with, and nothing more than that."""
import os
import shlex
import subprocess
import sys
import tempfile

import tap

PROGRAM = '''#include <bulla/bulla.h>
#include <stdio.h>
int main(void) { return puts(bulla_version()) < 0; }
'''


def run(command, environment=None):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=environment)
    assert done.returncode == 0, f'{" ".join(command)}: {done.stdout}'
    return done.stdout


def find(root, name):
    found = [os.path.join(folder, name) for folder, _, names in os.walk(root) if name in names]
    assert found, f'{name} was not installed'
    return found[0]


def build_and_run(root, options, static):
    pc = find(root, 'bulla.pc')
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc))
    # the staging directory stands in front of our paths, and of nobody else's
    flags = shlex.split(run(['pkg-config', f'--define-variable=prefix={root}{prefix_of(pc)}', *options, 'bulla'], environment))
    library = os.path.dirname(find(root, 'libbulla.so'))
    if static:
        flags = [find(root, 'libbulla.a') if flag == '-lbulla' else flag for flag in flags]
    source, program = os.path.join(root, 'program.c'), os.path.join(root, 'program')
    with open(source, 'w', encoding='utf-8') as file:
        file.write(PROGRAM)
    run([*shlex.split(os.environ['LAW_CC']), source, '-o', program, *flags])
    assert run([program], dict(os.environ, LD_LIBRARY_PATH=library)).strip() == os.environ['LAW_VERSION']


def prefix_of(pc):
    with open(pc, encoding='utf-8') as file:
        return next(line.strip().partition('=')[2] for line in file if line.startswith('prefix='))


def installed(body):
    if os.environ.get('LAW_SANITIZED'):
        raise tap.Skip('a sanitized library needs a sanitized program')
    with tempfile.TemporaryDirectory() as root:
        run(['meson', 'install', '-C', os.environ['LAW_BUILD'], '--no-rebuild', '--quiet', '--destdir', root])
        body(root)


def test_a_program_links_with_the_shared_library():
    installed(lambda root: build_and_run(root, ['--cflags', '--libs'], static=False))


def test_a_program_links_with_the_static_library():
    installed(lambda root: build_and_run(root, ['--cflags', '--libs', '--static'], static=True))


def test_nothing_internal_is_installed():
    def body(root):
        headers = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names if name.endswith('.h')]
        libraries = {name for _, _, names in os.walk(root) for name in names if name.endswith('.a')}
        assert headers and all('/include/bulla/' in header for header in headers), headers
        assert libraries == {'libbulla.a'}, libraries
    installed(body)


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
