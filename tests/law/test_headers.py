"""Each public header compiles alone, as C11 and as C++."""
import os
import shlex
import subprocess
import sys
import tempfile

import tap
import tree

STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Werror', '-fsyntax-only', '-I' + os.path.join(tree.ROOT, 'include')]


def compile_alone(compiler, header, options, suffix):
    with tempfile.NamedTemporaryFile('w', suffix=suffix) as source:
        name = os.path.relpath(header, 'include')
        # twice: its guard counts too
        source.write(f'#include <{name}>\n#include <{name}>\nint main(void) {{ return 0; }}\n')
        source.flush()
        done = subprocess.run([*shlex.split(compiler), *options, *STRICT, source.name], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f'{header}: {done.stdout}'


def each(variable, options, suffix):
    compiler = os.environ.get(variable)
    if not compiler:
        raise tap.Skip(f'no compiler for {suffix} files here')
    headers = tree.public_headers()
    assert 'include/bulla/bulla.h' in headers
    for header in headers:
        compile_alone(compiler, header, options, suffix)


def test_as_c11():
    each('LAW_CC', ['-std=c11'], '.c')


def test_as_c17():
    each('LAW_CC', ['-std=c17'], '.c')


def test_as_cpp11():
    each('LAW_CXX', ['-std=c++11'], '.cc')


def test_as_cpp17():
    each('LAW_CXX', ['-std=c++17'], '.cc')


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
