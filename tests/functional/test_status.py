"""Looking at a job: again and again, on a terminal and off it, and at the rows that were put aside."""
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import time

import harness
from harness import wait_until

STAMP = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'


class Watching(harness.People):
    def setUp(self):
        super().setUp()
        self.people(20)
        self.climb('apply')

    def said(self, child):
        child.said.flush()
        with open('/proc/self/fd/%d' % child.said.fileno(), 'rb') as file:
            return file.read().decode()

    def watch(self, looks, *args, signal_number=signal.SIGINT, meanwhile=None):
        """A watch that is stopped after so many looks: they all, each begun by the time."""
        mark = '"at"' if '--json' in args else 'every '
        child = self.start('status', '--watch', *args)
        wait_until(lambda: self.said(child).count(mark) >= 1, seconds=30)
        if meanwhile:
            meanwhile(child)
        self.assertTrue(wait_until(lambda: self.said(child).count(mark) >= looks, seconds=30), self.said(child))
        child.send_signal(signal_number)
        return self.wait(child, 0)

    def test_blocks(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            run = self.watch(3, '1', 'people', signal_number=number)
            self.assertRegex(run.text, '^%s, every 1 s\npeople: applied, 20 rows\n' % STAMP)
            self.assertGreaterEqual(run.text.count('\n\n'), 2)
            self.assertNotIn('\033', run.text)
            self.assertNotIn('checkpoint', run.words)  # it only looks
            self.assertEqual(run.next, 'bulla verify people')

    def test_json_lines_that_follow_the_table(self):
        run = self.watch(3, '1', '--json', meanwhile=lambda child: self.sql("INSERT INTO people (id, name, city) VALUES (999, 'x', '')"))
        looks = run.lines()
        for look in looks:
            self.assertRegex(look['at'], '^%s$' % STAMP)
            self.assertEqual([model['model'] for model in look['models']], ['people'])
        self.assertEqual(looks[0]['models'][0]['rows'], 20)
        self.assertEqual(looks[-1]['models'][0]['rows'], 21)

    def test_stopped_while_the_database_is_locked(self):
        """A look that waits for a lock ends with the watch."""
        self.sql('PRAGMA journal_mode = DELETE')
        locked = sqlite3.connect(self.database, isolation_level=None)
        child = self.start('status', '--watch', '1')
        wait_until(lambda: 'every' in self.said(child), seconds=30)
        locked.execute('BEGIN EXCLUSIVE')
        before = self.said(child).count('every')
        time.sleep(1.5)
        child.send_signal(signal.SIGINT)  # while it waits for the lock
        run = self.wait(child, 0, timeout=20)
        self.assertLessEqual(run.text.count('every'), before + 1)
        self.assertNotIn('locked', run.words)
        locked.execute('ROLLBACK')
        locked.close()

    def test_a_terminal_is_drawn_anew(self):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([harness.settings['command'], 'status', '--watch', '1'], cwd=self.dir, stdin=subprocess.DEVNULL,
                                 stdout=theirs, stderr=subprocess.PIPE, env=self.environment())
        os.close(theirs)
        shown = b''
        while shown.count(b'\033[H\033[J') < 2:
            shown += os.read(ours, 65536)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(20), 0)
        child.stderr.close()
        os.close(ours)
        looks = shown.split(b'\033[H\033[J')
        self.assertEqual(looks[0], b'')
        self.assertRegex(looks[1].decode(), '%s, every 1 s\r\npeople: applied' % STAMP)

    def test_wrong_seconds(self):
        for wrong in ('0', '86401', '1x', '2.5'):
            self.fails('usage', 'status', '--watch=' + wrong)

    def test_a_reader_that_goes(self):
        child = subprocess.Popen([harness.settings['command'], 'status', '--watch', '1', '--json'], cwd=self.dir,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment())
        self.assertTrue(json.loads(child.stdout.readline())['models'])
        child.stdout.close()
        self.assertEqual(child.wait(30), 1)
        child.stderr.close()


if __name__ == '__main__':
    harness.main()
