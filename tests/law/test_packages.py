"""tools/install-packages, with a dpkg-query and an apt-get of our own in front of the real ones."""
import os
import subprocess
import sys
import tempfile

import tap
import tree

# what is installed is a file of names; apt-get "installs" by adding to it, and notes whether services were held meanwhile
DPKG_QUERY = '''#!/bin/sh
shift 3
for name; do
	if grep -qxF "$name" "$WORLD/installed"; then echo "$name installed"; else echo "$name not-installed"; fi
done
'''
APT_GET = '''#!/bin/sh
echo "apt-get $*" >>"$WORLD/log"
[ ! -x "$BULLA_POLICY_RC_D" ] || echo held >>"$WORLD/log"
[ ! -e "$WORLD/broken" ] || exit 100
case "$*" in *" install "*) for name; do echo "$name"; done >>"$WORLD/installed" ;; esac
'''
APT_CACHE = '#!/bin/sh\n[ "$1" = show ] && grep -qxF "$2" "$WORLD/known"\n'
ID = '#!/bin/sh\ncat "$WORLD/uid"\n'
SUDO = '#!/bin/sh\n[ -e "$WORLD/sudoer" ] || exit 1\nshift\necho "sudo $1" >>"$WORLD/log"\nexec "$@"\n'


class World:
    """A machine with `installed` packages, where one calls as user `uid`."""

    def __init__(self, folder, installed=(), uid=0):
        self.folder = folder
        self.policy = os.path.join(folder, 'policy-rc.d')
        self.put('installed', ''.join(name + '\n' for name in installed))
        self.put('uid', f'{uid}\n')
        self.put('log', '')
        self.put('known', '')
        os.mkdir(os.path.join(folder, 'bin'))
        for name, text in (('dpkg-query', DPKG_QUERY), ('apt-get', APT_GET), ('apt-cache', APT_CACHE), ('id', ID), ('sudo', SUDO)):
            self.put(os.path.join('bin', name), text)
            os.chmod(os.path.join(folder, 'bin', name), 0o755)

    def put(self, name, text):
        with open(os.path.join(self.folder, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def log(self):
        with open(os.path.join(self.folder, 'log'), encoding='utf-8') as file:
            return file.read()

    def install(self, *groups):
        environment = dict(os.environ, WORLD=self.folder, BULLA_POLICY_RC_D=self.policy,
                           PATH=os.path.join(self.folder, 'bin') + ':' + os.environ['PATH'])
        return subprocess.run([os.path.join(tree.ROOT, 'tools', 'install-packages'), *groups], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def packages(*groups):
    lines = [line.partition(':') for line in tree.read('tools/packages').splitlines() if line and line[0] != '#']
    return [name for group, _, names in lines if group in groups for name in names.split()]


def in_world(body, **options):
    with tempfile.TemporaryDirectory() as folder:
        body(World(folder, **options))


def test_nothing_is_done_when_all_is_there():
    def body(world):
        done = world.install('build', 'check')
        assert done.returncode == 0 and done.stdout == '', done.stdout
        assert world.log() == ''
    in_world(body, installed=packages('build', 'check'))


def test_what_is_missing_is_installed_while_services_are_held():
    def body(world):
        done = world.install('build')
        assert done.returncode == 0, done.stdout
        lines = world.log().splitlines()
        assert lines[0].endswith(' update') and 'install -y --no-install-recommends' in lines[2], lines
        assert ' gcc' not in lines[2] and ' meson' in lines[2], lines
        assert lines.count('held') == 2, lines
        assert not os.path.exists(world.policy)
    in_world(body, installed=['gcc'])


def test_what_would_be_nice_is_installed_where_apt_knows_it():
    nice = packages('build?')
    assert nice

    def body(world):
        assert world.install('build').returncode == 0
        assert not any(name in world.log() for name in nice), world.log()
    in_world(body)

    def known(world):
        world.put('known', '\n'.join(nice) + '\n')
        assert world.install('build').returncode == 0
        assert all(' ' + name in world.log() for name in nice), world.log()
    in_world(known)


def test_what_would_be_nice_is_no_reason_to_install():
    def body(world):
        world.put('known', '\n'.join(packages('build?')) + '\n')
        assert world.install('build').returncode == 0 and world.log() == ''
    in_world(body, installed=packages('build'))


def test_a_failure_releases_services_and_is_told():
    def body(world):
        world.put('broken', '')
        assert world.install('build').returncode != 0
        assert 'held' in world.log()
        assert not os.path.exists(world.policy)
    in_world(body)


def test_the_policy_of_somebody_else_stays():
    def body(world):
        world.put('policy-rc.d', '#!/bin/sh\nexit 101\n')
        assert world.install('build').returncode == 0
        assert os.path.exists(world.policy)
    in_world(body)


def test_sudo_is_used_where_it_needs_no_password():
    def body(world):
        world.put('sudoer', '')
        done = world.install('build')
        assert done.returncode == 0, done.stdout
        assert 'sudo env' in world.log() and not os.path.exists(world.policy)
    in_world(body, uid=1000)


def test_without_rights_the_line_to_run_is_printed():
    def body(world):
        done = world.install('build')
        assert done.returncode == 1
        assert 'apt-get install --no-install-recommends ' in done.stdout and 'libssl-dev' in done.stdout, done.stdout
        assert world.log() == ''
    in_world(body, uid=1000)


def test_an_unknown_group_is_an_error():
    def body(world):
        done = world.install('attic')
        assert done.returncode == 2 and "no group 'attic'" in done.stdout, done.stdout
    in_world(body)


def test_the_makefile_names_groups_that_exist():
    groups = {line.partition(':')[0] for line in tree.read('tools/packages').splitlines() if line and line[0] != '#'}
    for line in tree.read('Makefile').splitlines():
        if 'tools/install-packages' in line:
            asked = line.split()[1:]
            assert asked and set(asked) <= groups, line


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
