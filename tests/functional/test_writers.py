"""Applications that go on writing, in every way SQL has, while the job runs: no write is lost, no stale ciphertext stays."""
import random
import signal
import sqlite3
import threading
import time

import harness
from harness import exact_rows, wait_until

ROWS = 30000
COLUMNS = ['id', 'email', 'note', 'amount', 'city']
MODEL = '''  t:
    branch_key: { name: t }
    fields:
      email: { index: { normalize: lowercase } }
      note: {}
      amount: {}
'''


def row(i):
    return ('Kq%06dz@Example.org' % i, None if i % 10 == 0 else 'Kq%06dz note' % i, i if i % 3 else str(i), 'city %d' % (i % 7))


class Writers(harness.Case):
    def table(self, rows=ROWS, mode='wal'):
        connection = self.open()
        connection.execute('PRAGMA journal_mode = %s' % mode)
        connection.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE, note, amount, city TEXT)')
        connection.execute('BEGIN')
        connection.executemany('INSERT INTO t (email, note, amount, city) VALUES (?, ?, ?, ?)', map(row, range(1, rows + 1)))
        connection.execute('COMMIT')
        connection.close()
        self.model(MODEL)

    def sealed(self):
        if 'email_ciphertext' not in self.columns('t'):
            return 0
        return self.sql('SELECT count(*) FROM t WHERE email_ciphertext IS NOT NULL')[0][0]

    def unsealed(self):
        return self.sql('SELECT count(*) FROM t WHERE %s' % ' OR '.join(
            '({0} IS NOT NULL AND {0}_ciphertext IS NULL)'.format(name) for name in ('email', 'note', 'amount')))[0][0]

    def settle(self):
        """apply until nothing is left; then what is sealed must be what is there, opened through finish."""
        for _ in range(10):
            done = self.bulla('apply', 't', '--json').model()
            self.assertEqual(done['quarantined'], 0)
            if done['sealed'] == 0:
                break
        self.assertEqual(self.unsealed(), 0)
        self.finish_and_compare()

    def finish_and_compare(self):
        expected = exact_rows(self.database, 't', COLUMNS, ['id'])
        checked = self.bulla('verify', 't', '--json').model()
        self.assertEqual((checked['rows'], checked['equal'], checked['differences'], checked['unsealed']),
                         (len(expected), len(expected), 0, 0))
        self.bulla('finish', 't', '--settle', '0s')
        records = self.exported('t')
        self.assertEqual(len(records), len(expected))
        different = [r['id'] for r, e in zip(records, expected)
                     if [harness.json_exact(r[c]) for c in COLUMNS] != [harness.json_form(v) for v in e]]
        self.assertEqual(different, [])


# --- what the writers do ----------------------------------------------------------------------------------------------

def insert(db, pick, n):
    db.execute('INSERT INTO t (email, note, amount, city) VALUES (?, ?, ?, ?)', row(100000 + n))


def insert_more(db, pick, n):
    db.executemany('INSERT INTO t (email, note, amount, city) VALUES (?, ?, ?, ?)', [row(200000 + n * 20 + i) for i in range(20)])


def update_one(db, pick, n):
    db.execute('UPDATE t SET note = ? WHERE id = ?', ('Kq new note %d' % n, pick()))


def update_case(db, pick, n):
    db.execute('UPDATE t SET email = CASE WHEN email = upper(email) COLLATE BINARY THEN lower(email) ELSE upper(email) END '
               'WHERE id = ?', (pick(),))


def update_class(db, pick, n):
    db.execute("UPDATE t SET amount = CASE typeof(amount) WHEN 'integer' THEN CAST(amount AS TEXT) "
               'ELSE CAST(amount AS INTEGER) END WHERE id = ?', (pick(),))


def update_real(db, pick, n):
    db.execute('UPDATE t SET amount = CASE WHEN amount = 0.0 THEN -amount ELSE ? END WHERE id = ?',
               ((0.0, -0.0, 1.0, 1)[n % 4], pick()))


def update_null(db, pick, n):
    db.execute('UPDATE t SET note = CASE WHEN note IS NULL THEN \'\' ELSE NULL END WHERE id = ?', (pick(),))


def update_blob(db, pick, n):
    db.execute('UPDATE t SET note = CAST(note AS BLOB) WHERE id = ?', (pick(),))


def update_same(db, pick, n):
    db.execute('UPDATE t SET email = email, note = note WHERE id = ?', (pick(),))


def update_city(db, pick, n):
    db.execute('UPDATE t SET city = ? WHERE id = ?', ('city %d' % n, pick()))


def update_bulk(db, pick, n):
    start = pick()
    db.execute('UPDATE t SET email = email || ?, note = ? WHERE id BETWEEN ? AND ?', ('x', 'Kq bulk %d' % n, start, start + 200))


def replace(db, pick, n):
    db.execute('REPLACE INTO t (id, email, note, amount, city) VALUES (?, ?, ?, ?, ?)', (pick(), *row(300000 + n)))


def upsert(db, pick, n):
    db.execute('INSERT INTO t (id, email, note, amount, city) VALUES (?, ?, ?, ?, ?) '
               'ON CONFLICT (id) DO UPDATE SET note = excluded.note, amount = amount + 1', (pick(), *row(400000 + n)))


def delete(db, pick, n):
    db.execute('DELETE FROM t WHERE id = ?', (pick(),))


def delete_bulk(db, pick, n):
    start = pick()
    db.execute('DELETE FROM t WHERE id BETWEEN ? AND ?', (start, start + 30))


def change_key(db, pick, n):
    db.execute('UPDATE OR IGNORE t SET id = ? WHERE id = ?', (1000000 + n * 7, pick()))


def swap_keys(db, pick, n):
    a, b = pick(), pick()
    if a != b:
        db.execute('UPDATE t SET id = ? WHERE id = ?', (-5, a))
        db.execute('UPDATE OR IGNORE t SET id = ? WHERE id = ?', (a, b))
        db.execute('UPDATE OR IGNORE t SET id = ? WHERE id = ?', (b, -5))


def delete_and_insert(db, pick, n):
    i = pick()
    db.execute('DELETE FROM t WHERE id = ?', (i,))
    db.execute('INSERT INTO t (id, email, note, amount, city) VALUES (?, ?, ?, ?, ?)', (i, *row(500000 + n)))


WAYS = [insert, insert_more, update_one, update_case, update_class, update_real, update_null, update_blob, update_same,
        update_city, update_bulk,
        replace, upsert, delete, delete_bulk, change_key, swap_keys, delete_and_insert]


class Writer(threading.Thread):
    """One application: statements in transactions of their own, some rolled back, until it is told to stop."""

    def __init__(self, case, seed, ways=tuple(WAYS), pause=0.001):
        super().__init__(daemon=True)
        self.case, self.random, self.ways, self.pause = case, random.Random(seed), ways, pause
        self.stopped, self.failure, self.done = threading.Event(), None, 0

    def pick(self):
        return self.random.randint(1, ROWS)

    def run(self):
        try:
            db = self.case.open()
            while not self.stopped.is_set():
                db.execute('BEGIN IMMEDIATE')
                self.random.choice(self.ways)(db, self.pick, self.random.randint(0, 9999))
                db.execute('ROLLBACK' if self.random.random() < 0.05 else 'COMMIT')
                self.done += 1
                time.sleep(self.pause)
            db.close()
        except sqlite3.Error as failure:
            self.failure = failure

    def stop(self):
        self.stopped.set()
        self.join(harness.LONG)
        self.case.assertIsNone(self.failure)
        self.case.assertGreater(self.done, 0)


class BesideApply(Writers):
    def test_every_kind_of_write(self):
        self.table()
        writers = [Writer(self, 1), Writer(self, 2)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(3):
                done = self.bulla('apply', 't', '--json').model()
                self.assertEqual(done['quarantined'], 0)
        finally:
            for writer in writers:
                writer.stop()
        self.settle()

    def test_every_kind_of_write_with_a_rollback_journal(self):
        self.table(5000, 'delete')
        writer = Writer(self, 3)
        writer.start()
        try:
            for _ in range(2):
                self.bulla('apply', 't')
        finally:
            writer.stop()
        self.settle()

    def test_each_way_between_two_runs(self):
        """Without the race: each statement leaves exactly its rows to be sealed again."""
        self.table(300)
        self.each_way()
        self.settle()

    def test_each_way_with_a_side_table(self):
        """The sealed columns in a table of their own follow just as well."""
        self.table(300)
        self.each_way('--side-table')
        self.assertEqual(self.columns('t'), COLUMNS)
        count = self.sql('SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM t_bulla WHERE encrypted_kms_key IS NOT NULL)')[0]
        self.assertEqual(*count)
        self.finish_and_compare()

    def each_way(self, *options):
        self.bulla('apply', *options)
        for number, way in enumerate(WAYS):
            with self.subTest(way=way.__name__):
                pick = random.Random(number)
                db = self.open()
                db.execute('BEGIN')
                for i in range(5):
                    way(db, lambda: pick.randint(1, 280), number * 100 + i)
                db.execute('COMMIT')
                db.close()
                self.assertEqual(self.bulla('apply', '--json').model()['quarantined'], 0)
                checked = self.bulla('verify', '--json').model()
                self.assertEqual((checked['differences'], checked['unsealed']), (0, 0))

    def test_a_change_of_case_alone_is_a_change(self):
        self.table(20)
        self.sql('UPDATE t SET amount = 0.0 WHERE id = 9')
        self.bulla('apply')
        self.sql(('UPDATE t SET amount = ? WHERE id = 9', (-0.0,)), "UPDATE t SET email = upper(email) WHERE id = 3", "UPDATE t SET amount = '7' WHERE id = 7",
                 'UPDATE t SET amount = 5.0 WHERE id = 5')
        self.assertEqual(self.sql('SELECT id FROM t WHERE email_ciphertext IS NULL OR amount_ciphertext IS NULL ORDER BY id'),
                         [(3,), (5,), (7,), (9,)])
        self.settle()

    def test_writes_that_change_nothing_stay_sealed(self):
        self.table(20)
        self.bulla('apply')
        self.sql('UPDATE t SET email = email, note = note', "UPDATE t SET city = 'elsewhere'")
        self.assertEqual(self.unsealed(), 0)
        self.assertEqual(self.bulla('apply', '--json').model()['sealed'], 0)

    def test_triggers_of_the_users_own_write_too(self):
        self.table(50)
        self.sql('CREATE TRIGGER mine AFTER UPDATE OF note ON t BEGIN UPDATE t SET email = lower(email) WHERE id = NEW.id; END',
                 'CREATE TRIGGER born AFTER INSERT ON t BEGIN UPDATE t SET note = \'Kq born\' WHERE id = NEW.id; END')
        self.bulla('apply')
        self.sql("UPDATE t SET note = 'Kq changed' WHERE id < 10", "INSERT INTO t (email, note) VALUES ('Kq@X.org', 'Kq')")
        self.settle()

    def test_follow_seals_what_comes(self):
        self.table(500)
        child = self.start('apply', 't', '--follow', '--json')
        self.assertTrue(wait_until(lambda: self.sealed() == 500))
        self.sql(('INSERT INTO t (email, note, amount, city) VALUES (?, ?, ?, ?)', row(777777)),
                 "UPDATE t SET note = 'Kq again' WHERE id <= 20")
        self.assertTrue(wait_until(lambda: self.unsealed() == 0 and self.sealed() == 501))
        self.fails('busy', 'apply', 't')
        self.fails('busy', 'apply', 't', '--json')
        child.send_signal(signal.SIGINT)
        self.wait(child, 130)
        self.settle()

    def test_follow_ends_on_sigterm_too(self):
        self.table(50)
        child = self.start('apply', 't', '--follow')
        self.assertTrue(wait_until(lambda: self.sealed() == 50))
        child.send_signal(signal.SIGTERM)
        self.wait(child, 130)
        self.bulla('apply')


class BesideFinish(Writers):
    """finish takes a short lock: what others commit before it stays, what comes after it meets the new table."""

    def until_it_ends(self, child, write):
        """Calls `write` with a connection as long as finish runs, and a little longer."""
        db = self.open()
        while child.poll() is None:
            write(db)
        for _ in range(20):
            write(db)
        db.close()

    def finish_beside(self, write, more=''):
        self.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT, note, amount, city TEXT%s)' % more,
                 'PRAGMA journal_mode = wal')
        connection = self.open()
        connection.execute('BEGIN')
        connection.executemany('INSERT INTO t (email, note, amount, city) VALUES (?, ?, ?, ?)', map(row, range(1, 8001)))
        connection.execute('COMMIT')
        connection.close()
        self.model(MODEL)
        self.climb('apply', 'verify')
        child = self.start('finish', 't', '--settle', '0s')
        self.until_it_ends(child, write)
        return self.wait(child, (0, 1))

    def check_other_columns(self, more=''):
        pick, expected = random.Random(5), {i: row(i)[3] for i in range(1, 8001)}

        def write(db):
            i = pick.randint(1, 8000)
            if pick.random() < 0.2:
                db.execute('DELETE FROM t WHERE id = ?', (i,))
                expected.pop(i, None)
            else:
                city = 'city %d' % pick.randint(0, 10 ** 9)
                db.execute('UPDATE t SET city = ? WHERE id = ?', (city, i))
                if i in expected:
                    expected[i] = city
            if pick.random() < 0.2:
                db.execute('INSERT INTO t (city) VALUES (?)', ('new',))
                expected[db.execute('SELECT last_insert_rowid()').fetchone()[0]] = 'new'
        run = self.finish_beside(write, more)
        if run.status:
            self.assertIn(run.code(), ('refused', 'drift', 'busy', 'conflict', 'locked'), str(run))
            self.climb('apply', 'verify', 'finish')
        self.assertEqual(dict(self.sql('SELECT id, city FROM t')), expected)
        self.assertNotIn('email', self.columns('t'))
        for record in self.exported('t'):
            if record['id'] <= 8000:
                email, note, amount, _ = row(record['id'])
                self.assertEqual((record['email'], record['note'], record['amount']), (email, note, amount))

    def test_other_columns(self):
        self.check_other_columns()

    def test_other_columns_when_the_table_is_rebuilt(self):
        self.check_other_columns(', CHECK (email <> city)')

    def test_plaintext_that_comes_too_late(self):
        """Committed before the lock: finish refuses, or seals it. After it: the writer meets a table without the column."""
        pick, committed = random.Random(6), []

        def write(db):
            email = 'Kq late %d' % len(committed)
            try:
                db.execute('INSERT INTO t (email) VALUES (?)', (email,))
                committed.append(email)
            except sqlite3.OperationalError as refused:
                self.assertIn('email', str(refused))
            time.sleep(0.002 * pick.random())
        run = self.finish_beside(write)
        if run.status:
            self.assertEqual(run.code(), 'refused', str(run))
            self.climb('apply', 'verify', 'finish')
        found = {record['email'] for record in self.exported('t')}
        self.assertEqual([email for email in committed if email not in found], [])


if __name__ == '__main__':
    harness.main()
