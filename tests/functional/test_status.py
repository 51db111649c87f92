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

    def test_a_branch_for_each_row_is_not_a_line_for_each_row(self):
        self.sql('CREATE TABLE many (id INTEGER PRIMARY KEY, v TEXT)', *["INSERT INTO many VALUES (%d, 'x')" % i for i in range(15)])
        self.write('bulla.yaml', harness.CONFIG.format(models='  many:\n    branch_key: { name: "one:{id}" }\n    fields: { v: {} }\n'))
        self.climb('apply')
        text = self.bulla('status').text
        self.assertEqual((text.count('encrypted_kms_key'), text.count('... and 5 more')), (10, 1))
        self.assertEqual(len(self.bulla('status', '--json').model()['keys']), 15)

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


class Quarantine(harness.Case):
    """Rows that were put aside: listed by their keys and reasons, mended, taken again, and nothing else of the table."""
    MODEL = '''  t:
    primary_key: [a, b]
    context: { model_name: T, model_id: "{a}:{b}" }
    branch_key: { name: t }
    fields:
      n: { type: integer }
      note: {}
'''

    def setUp(self):
        super().setUp()
        self.sql('CREATE TABLE t (a TEXT NOT NULL, b INTEGER NOT NULL, n, note TEXT, PRIMARY KEY (a, b))')
        for i in range(1, 41):
            bad = i in (3, 4, 5)
            self.sql(('INSERT INTO t VALUES (?, ?, ?, ?)', ('k%d' % (i % 3), i, 'Kq-bad-%d' % i if bad else i, 'Kq-note-%d' % i)))
        self.hide('Kq-bad', 'Kq-note')
        self.model(self.MODEL)

    def listed(self, status=0):
        entries = self.bulla('status', 't', '--quarantine', '--json', status=status).json()['quarantine']
        for entry in entries:
            self.assertEqual(set(entry), {'model', 'pk', 'field', 'reason', 'by', 'at'})
            self.assertRegex(entry['at'], '^%s$' % STAMP)
        return sorted((entry['pk'][1], entry['field'], entry['reason'], entry['by']) for entry in entries)

    def retry(self, status=0):
        done = self.bulla('apply', 't', '--retry', '--json', status=status).model()
        return done['retried'], done['sealed'], done['quarantined']

    def test_listing(self):
        self.assertEqual(self.listed(), [])
        self.assertIn('empty', self.bulla('status', '--quarantine').text)
        self.bulla('apply', status=3)
        self.assertEqual(self.listed(), [(i, 'n', 'type', 'apply') for i in (3, 4, 5)])
        run = self.bulla('status', '--quarantine')
        self.assertRegex(run.text, r'MODEL +PRIMARY KEY +FIELD +REASON +BY +SINCE\n')
        self.assertRegex(run.text, r't +\["k1",4\] +n +type +apply +\d{4}-')
        self.assertIn('--retry', run.next)
        self.fails('usage', 'status', '--quarantine', '--watch')

    def test_retry_before_finish(self):
        self.assertEqual(self.retry(), (0, 0, 0))
        self.bulla('apply', status=3)
        self.sql('UPDATE t SET n = 30 WHERE b = 3', 'DELETE FROM t WHERE b = 4', "INSERT INTO t (a, b, n, note) VALUES ('new', 99, 7, 'Kq-note-99')")
        self.assertEqual(self.retry(status=3), (3, 1, 1))
        self.assertEqual(self.listed(), [(5, 'n', 'type', 'apply')])
        self.assertEqual(self.sql('SELECT b FROM t WHERE note_ciphertext IS NULL ORDER BY b'), [(5,), (99,)])
        self.sql('UPDATE t SET n = 50 WHERE b = 5')
        self.assertEqual(self.retry(), (1, 1, 0))
        self.assertEqual(self.sql('SELECT b FROM t WHERE note_ciphertext IS NULL'), [(99,)])
        self.bulla('apply')
        self.climb('verify', 'finish')
        self.assertEqual([r['n'] for r in self.exported('t') if r['b'] in (3, 5, 99)], [30, 50, 7])

    def test_a_row_that_is_well_by_now(self):
        """The application has written it whole in the meantime."""
        self.bulla('apply', status=3)
        self.sql('UPDATE t SET n = 1, n_ciphertext = zeroblob(40), note_ciphertext = zeroblob(40), encrypted_kms_key = zeroblob(98) '
                 'WHERE b = 3')
        before = self.sql('SELECT * FROM t WHERE b = 3')
        self.assertEqual(self.retry(status=3), (3, 0, 2))
        self.assertEqual(self.sql('SELECT * FROM t WHERE b = 3'), before)

    def mend_all(self):
        self.sql('UPDATE t SET n = b WHERE b IN (3, 4, 5)')
        self.bulla('apply')

    def test_rows_that_a_verification_put_aside(self):
        self.mend_all()
        self.sql('UPDATE t SET note_ciphertext = randomblob(40) WHERE b = 7')
        self.bulla('verify', status=3)
        self.assertEqual(self.listed(), [(7, 'note', 'format', 'verify')])
        self.assertEqual(self.retry(), (1, 1, 0))
        self.bulla('verify')

    def test_retry_after_finish(self):
        self.mend_all()
        self.climb('verify', 'finish')
        kept = self.sql('SELECT note_ciphertext FROM t WHERE b IN (7, 8) ORDER BY b')
        self.sql("UPDATE t SET note_ciphertext = substr(note_ciphertext, 1, 30) || x'00' || substr(note_ciphertext, 32) WHERE b IN (7, 8)",
                 'UPDATE t SET note_ciphertext = randomblob(40) WHERE b = 9')
        self.bulla('verify', status=3)
        found = self.listed()
        self.assertEqual([entry[0] for entry in found], [7, 8, 9])
        self.assertEqual({entry[3] for entry in found}, {'verify'})
        sealed = self.sql('SELECT * FROM t ORDER BY b')
        self.assertEqual(self.retry(status=3), (3, 0, 3))
        self.assertEqual(self.sql('SELECT * FROM t ORDER BY b'), sealed)
        self.sql(('UPDATE t SET note_ciphertext = ? WHERE b = 7', kept[0]), ('UPDATE t SET note_ciphertext = ? WHERE b = 8', kept[1]),
                 'DELETE FROM t WHERE b = 9')
        self.assertEqual(self.retry(), (3, 2, 0))
        self.assertEqual(self.listed(), [])
        self.bulla('verify')

    def test_keys_of_every_kind(self):
        self.sql('CREATE TABLE u (id PRIMARY KEY, n)',
                 "INSERT INTO u VALUES (1, 'Kq-bad'), (2.5, 'Kq-bad'), ('text''s', 'Kq-bad'), (x'00ff', 'Kq-bad'), (7, 7)")
        self.write('bulla.yaml', harness.CONFIG.format(models='  u:\n    data_key: table\n    fields: { n: { type: integer } }\n'))
        self.bulla('apply', status=3)
        entries = self.bulla('status', '--quarantine', '--json').json()['quarantine']
        self.assertEqual(sorted(str(entry['pk']) for entry in entries), sorted(["[1]", "[2.5]", '["text\'s"]', "[{'hex': '00ff'}]"]))
        self.sql('UPDATE u SET n = 3')
        done = self.bulla('apply', '--retry', '--json').model()
        self.assertEqual((done['retried'], done['sealed'], done['quarantined']), (4, 4, 0))

    def test_more_than_one_reading(self):
        self.sql('DELETE FROM t')
        db = self.open()
        db.execute('BEGIN')
        db.executemany('INSERT INTO t VALUES (?, ?, ?, ?)', [('x', i, 'Kq-bad', 'Kq-note') for i in range(9000)])
        db.execute('COMMIT')
        db.close()
        self.bulla('apply', '--quiet', status=3)
        self.sql('UPDATE t SET n = b WHERE b % 3')
        self.assertEqual(self.retry(status=3), (9000, 6000, 3000))
        self.sql('UPDATE t SET n = b')
        self.assertEqual(self.retry(), (3000, 3000, 0))

    def test_wrong_options(self):
        self.fails('usage', 'apply', '--retry', '--follow')
        self.fails('usage', 'apply', '--retry', '--shadow')


if __name__ == '__main__':
    harness.main()
