"""Applications, jobs and commands at once, on one key store and one database: nothing is lost, nobody waits for ever, and who waits says
for whom."""
import fcntl
import os
import random
import re
import signal
import sqlite3
import threading
import time

import harness
import test_crash
from harness import wait_until

SECONDS = 2.5


class Together(harness.Case):
    start_writer, stop_writer = test_crash.Crash.start_writer, test_crash.Crash.stop_writer
    written, check_written = test_crash.Crash.written, test_crash.Crash.check_written

    def setUp(self):
        super().setUp()
        self.random = random.Random(7)
        self.failures, self.counts = [], {}

    def application(self, mode, rows=300):
        self.sql('PRAGMA journal_mode = %s' % mode,
                 "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', email TEXT, city TEXT)",
                 'CREATE TABLE witness (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)',
                 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < %d) INSERT INTO people SELECT x, '
                 "printf('Kq%%05dz 0', x), printf('kq%%05dz.0@example.org', x), 'Ghent' FROM c" % rows,
                 'INSERT INTO witness SELECT id, 0 FROM people')
        self.model(test_crash.WRITER_MODEL)

    def again_and_again(self, until, allowed, *args):
        """One command in a loop; each run ends as it may."""
        name = ' '.join(args)
        while time.monotonic() < until:
            run = self.bulla(*args, status=(0, 1, 3, 130), timeout=60)
            self.counts[name] = self.counts.get(name, 0) + 1
            code = run.code() if run.status == 1 else run.status
            if code not in allowed:
                self.failures.append(str(run))
                return

    def all_at_once(self, loops):
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=self.again_and_again, args=(until, allowed, *args)) for allowed, args in loops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])
        for name, count in self.counts.items():
            self.assertGreater(count, 0, name)

    def well(self):
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        self.assertEqual(self.sql('PRAGMA integrity_check', database=self.path('.bulla', 'kms.db')), [('ok',)])

    def climbing(self, mode):
        self.application(mode)
        self.bulla('apply')
        follow = self.start('apply', 'people', '--follow')
        self.assertTrue(wait_until(lambda: self.bulla('status', '--json').model()['workers'], seconds=30))
        writers = [self.start_writer(kind) for kind in ('both', 'both', 'plain')]
        self.all_at_once([
            ((0,), ('key', 'rotate', 'alias/default')), ((0,), ('status', '--json')), ((0,), ('audit', 'show', '--json')),
            ((0, 3), ('verify', '--json')), (('busy',), ('apply',)), ((0, 'busy'), ('rotate', '--wrap')), ((0,), ('export', 'people')),
        ])
        self.assertIsNone(follow.poll())
        writes = sum(self.stop_writer(writer) for writer in writers)
        follow.send_signal(signal.SIGINT)
        self.wait(follow, 130)
        self.assertGreater(writes, 10)
        self.bulla('apply')
        self.assertEqual(self.sql('SELECT id, name, email FROM people ORDER BY id'),
                         [(int(i), name, email) for i, name, email in self.written()])
        self.bulla('verify')
        self.check_written()
        self.well()

    def test_up_the_ladder_with_a_write_ahead_log(self):
        self.climbing('wal')

    def test_up_the_ladder_with_a_rollback_journal(self):
        self.climbing('delete')

    def test_after_finish(self):
        self.application('wal')
        self.climb()
        writers = [self.start_writer('sealed') for _ in range(3)]
        self.all_at_once([
            ((0,), ('key', 'rotate', 'alias/default')), ((0, 'busy'), ('rotate', '--wrap')), ((0, 3), ('verify',)),
            ((0,), ('export', 'people')), ((0,), ('status',)), ((0,), ('audit', 'show')),
        ])
        self.assertGreater(sum(self.stop_writer(writer) for writer in writers), 10)
        self.bulla('rotate', '--wrap')
        self.bulla('verify')
        self.check_written()
        self.well()


class Waiting(harness.People):
    """Locks that this test holds."""

    def setUp(self):
        super().setUp()
        self.people(20)
        self.me = r'process %d \([^)]+\)' % os.getpid()

    def refused(self, what, *args):
        begun = time.monotonic()
        run = self.fails('locked', *args, '--lock-wait', '1200ms')
        self.assertGreaterEqual(time.monotonic() - begun, 1.2)
        self.assertLess(time.monotonic() - begun, 15)
        lines = [line for line in run.words.splitlines() if 'waiting for' in line]
        self.assertEqual(len(lines), 1, run.words)
        self.assertRegex(lines[0], r'^bulla: waiting for the %s .*, which %s holds; at most 1\.2 s$' % (what, self.me))
        self.assertRegex(run.words, r'bulla: locked: .*%s' % self.me)
        return run

    def at_once(self, *args):
        begun = time.monotonic()
        run = self.fails('locked', *args, '--lock-wait', '0')
        self.assertLess(time.monotonic() - begun, 5)
        self.assertNotIn('waiting', run.words)

    def hold(self, database, statement='BEGIN IMMEDIATE'):
        holder = sqlite3.connect(database, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute(statement)
        return holder

    def test_a_database_that_somebody_writes(self):
        for mode in ('delete', 'wal'):
            self.sql('PRAGMA journal_mode = %s' % mode)
            holder = self.hold(self.database)
            self.assertIn('--lock-wait', self.refused('database', 'apply').next)
            self.at_once('apply')
            holder.close()
        self.bulla('apply', '--lock-wait', '0')

    def test_a_database_that_somebody_has_alone(self):
        holder = self.hold(self.database, 'BEGIN EXCLUSIVE')
        self.refused('database', 'status')
        self.refused('database', 'scan')
        holder.execute('COMMIT')
        self.bulla('status')

    def test_a_wait_that_is_worth_it(self):
        holder = self.hold(self.database)
        child = self.start('apply')
        self.assertTrue(wait_until(lambda: b'waiting for' in self.said(child), seconds=20))
        holder.execute('COMMIT')
        run = self.wait(child, 0)
        self.assertRegex(run.words, r'at most 30 s')
        self.assertEqual(self.status()['fields'][0]['unsealed'], 0)

    def said(self, child):
        with open('/proc/self/fd/%d' % child.words.fileno(), 'rb') as file:
            return file.read()

    def test_quiet(self):
        self.hold(self.database)
        self.assertNotIn('waiting', self.fails('locked', 'apply', '--quiet', '--lock-wait', '1200ms').words)

    def test_the_key_store(self):
        self.hold(self.path('.bulla', 'kms.db'))
        self.refused('key store', 'key', 'create', 'other')
        self.at_once('key', 'create', 'other')

    def test_the_audit_log(self):
        with open(self.path('.bulla', 'audit', 'lock'), 'rb') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused('lock of the audit log', 'key', 'create', 'other')
            self.at_once('key', 'create', 'other')
        self.bulla('key', 'create', 'other')

    def test_the_model_of_another_job(self):
        """Not a lock: who works on the model is said at once."""
        child = self.start('apply', 'people', '--follow')
        wait_until(lambda: self.bulla('status', '--json').model()['workers'], seconds=30)
        run = self.fails('busy', 'apply', '--lock-wait', '5s')
        self.assertRegex(run.words, r'bulla: busy: process %d on host .* is working on model people' % child.pid)
        child.send_signal(signal.SIGINT)
        self.wait(child, 130)

    def test_a_watch_goes_on(self):
        holder = self.hold(self.database, 'BEGIN EXCLUSIVE')
        child = self.start('status', '--watch', '1', '--lock-wait', '200ms')
        self.assertTrue(wait_until(lambda: b'looking again' in self.said(child), seconds=20))
        holder.execute('COMMIT')

        def looked():
            with open('/proc/self/fd/%d' % child.said.fileno(), 'rb') as file:
                return b'people: planned' in file.read()
        self.assertTrue(wait_until(looked, seconds=20))
        child.send_signal(signal.SIGINT)
        run = self.wait(child, 0)
        self.assertTrue(re.search(self.me, run.words), run.words)

    def test_wrong_patience(self):
        self.fails('usage', 'apply', '--lock-wait', 'long')


if __name__ == '__main__':
    harness.main()
