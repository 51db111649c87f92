"""Command lines that a page shows, and running them as a reader would: in a shell, in a project of the test's own."""
import os
import re
import signal
import subprocess

import harness

FENCE = re.compile(r'^```(\w*)\n(.*?)^```', re.M | re.S)
HEADING = re.compile(r'^(#+) +(.*)$', re.M)
PLACES = {  # what a page names, and what stands for it in the directory of a test
    '/mnt/backup': 'mnt/backup',
    '/mnt/elsewhere': 'mnt/elsewhere',
    '/media/safe': 'media/safe',
}


def read(*parts):
    with open(os.path.join(harness.ROOT, *parts), encoding='utf-8') as file:
        return file.read()


def sections(text):
    """(heading, what stands below it up to the next one), whatever their level; what looks like a heading in a block is none."""
    bare = FENCE.sub(lambda found: re.sub(r'[^\n]', ' ', found[0]), text)
    found = list(HEADING.finditer(bare))
    ends = [heading.start() for heading in found[1:]] + [len(text)]
    return [(heading[2].strip(), text[heading.end():end]) for heading, end in zip(found, ends)]


def commands(text):
    """The command lines of the blocks without a language, in order, without their comments."""
    lines = [line for language, block in FENCE.findall(text) if not language for line in block.splitlines()]
    bare = [re.sub(r'(^|\s)#\s.*$', '', line).strip() for line in lines]
    return [line for line in bare if line]


def blocks(text, language):
    return [block for found, block in FENCE.findall(text) if found == language]


class Pages(harness.Case):
    """Runs lines of a page; `bulla` in them is the command that was built."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path('.bin'))
        os.symlink(harness.settings['command'], self.path('.bin', 'bulla'))

    def shell(self, line, status=0, says=None, until=None, more=None, cwd=None):
        """One line, as bash runs it: what it said. One that never ends is stopped by SIGINT once the line `until` succeeds."""
        cwd = cwd or self.dir
        for place, ours in PLACES.items():
            line = line.replace(place, ours)
        path = self.path('.bin') + ':' + os.environ['PATH']
        environment = self.environment({'PATH': path, 'SAID': self.path('.said'), **(more or {})})
        with open(self.path('.said'), 'wb') as said:
            child = subprocess.Popen(['bash', '-c', 'set -o pipefail; ' + line], cwd=cwd, env=environment,
                                     stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                if until:
                    harness.wait_until(lambda: child.poll() is not None or succeeds(until, cwd, environment), 30, 0.05)
                    os.killpg(child.pid, signal.SIGINT)
                child.wait(harness.LONG)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
        text = self.read('.said').decode('utf-8', 'replace')
        self.assertIn(child.returncode, status if isinstance(status, tuple) else (status,), '%s\n%s' % (line, text))
        for pattern in [says] if isinstance(says, str) else says or []:
            self.assertRegex(text, re.compile(pattern, re.M), line)
        return text


def succeeds(line, cwd, environment):
    quiet = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL,
             'start_new_session': True}
    return subprocess.run(['bash', '-c', line], cwd=cwd, env=environment, check=False, **quiet).returncode == 0
