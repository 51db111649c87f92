"""Keys stay where they belong: a process that holds them is searched, and so is the core file that it leaves."""
import glob
import os
import re
import resource
import shutil
import subprocess
import sys

import harness

MODEL = '''  people:
    context: { model_name: Person, model_id: "{id}" }
    branch_key: { name: people }
    fields: { name: { index: {} } }
'''
# what a lane remembers of a record that is open: OpenSSL's key schedules, on its heap (SECURITY.md)
IN_OPENSSL = {'branch', 'data'}
MASK = 0xa5


def core_files_off():
    """Why a core file cannot be had; None where it can."""
    with open('/proc/sys/kernel/core_pattern', encoding='utf-8') as pattern:
        text = pattern.read().strip()
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        return 'the hard limit of core files is 0'
    return 'core files are handed to a program or another directory' if text[:1] in '|/' or not text else None


class Secrets(harness.Case):
    def setUp(self):
        super().setUp()
        self.model(MODEL)
        self.holder = os.path.join(os.path.dirname(harness.settings['command']), '..', '..', 'tests', 'functional', 'secrets')

    def run_holder(self, phase):
        """What it printed, and the core file that it left (None: none to be had)."""
        here = self.path(phase)
        os.mkdir(here)
        command = [os.path.abspath(self.holder), self.path('bulla.yaml'), phase]
        core = os.path.join(here, 'core.gdb')
        if core_files_off() is None:
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            done = subprocess.run(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)), timeout=60)
            self.assertEqual(done.returncode, -6, done.stderr.decode())
            text = done.stdout.decode()
            core = next(iter(glob.glob(os.path.join(here, '*core*'))), None)
        else:
            steps = ['run', 'generate-core-file ' + core, 'kill']
            done = subprocess.run(['gdb', '-batch', *[word for step in steps for word in ('-ex', step)], '--args', *command],
                                  cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
            text = done.stdout.decode()
        keys = {name: bytes(byte ^ MASK for byte in bytes.fromhex(masked))
                for name, masked in re.findall(r'^key (\S+) ([0-9a-f]{64})$', text, re.M)}
        found = re.findall(r'^found (\S+) (\S+) (\S+) \d+$', text, re.M)
        self.assertIn('looked at', text)
        self.assertEqual(set(keys), {'root', 'seed', 'material', 'material-wrap', 'row-mac', 'branch', 'data', 'index', 'random',
                                     'canary'}, text)
        return keys, found, core

    def check(self, phase, elsewhere):
        """Only keys of `elsewhere` may be found where core files would have them."""
        keys, found, core = self.run_holder(phase)
        self.assertIn('canary', {name for name, flags, _ in found if 'dd' not in flags.split(',')}, 'the search does not find')
        outside = {(name, where) for name, flags, where in found if 'dd' not in flags.split(',') and name != 'canary'}
        self.assertEqual({name for name, _ in outside} - elsewhere, set(), 'in ordinary memory: %s' % sorted(outside))
        held = {name for name, flags, _ in found if 'dd' in flags.split(',')}
        self.assertLessEqual({'root', 'seed', 'material', 'branch', 'index', 'random'}, held, 'the search does not see secret memory')
        self.assertEqual({flags for _, flags, _ in found if 'dd' in flags.split(',') and 'dc' not in flags.split(',')}, set())
        if core is None or not os.path.isfile(core):
            self.fail('no core file was written')
        with open(core, 'rb') as file:
            content = file.read()
        self.assertIn(keys['canary'], content, 'the core file is not searched rightly')
        leaked = {name for name, key in keys.items() if name != 'canary' and (key in content or key[:16] in content)}
        self.assertEqual(leaked - elsewhere, set(), 'in the core file')

    def test_root_key_is_what_the_file_says(self):
        keys, _, _ = self.run_holder('idle')
        self.assertIn(keys['root'], list(harness.key_bytes(self.read('.bulla', 'root.key'))))

    def test_idle(self):
        """No call is under way, the keyring has been told that it is idle: nothing outside secret memory."""
        self.check('idle', set())

    def test_batch(self):
        """A call of a batch leaves nothing of the keys that it used."""
        self.check('batch', set())

    def test_busy(self):
        """A record is open: its own keys are with OpenSSL, no other key is."""
        self.check('busy', IN_OPENSSL)


if __name__ == '__main__':
    if core_files_off() and not shutil.which('gdb'):
        print('skipped: %s, and there is no gdb to write one' % core_files_off())
        sys.exit(77)
    harness.main()
