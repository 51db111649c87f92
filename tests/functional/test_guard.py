"""Stopping a job in its middle, and the trigger that lets nobody tear a record."""
import signal
import sqlite3
import time

import harness
from harness import exact_rows, wait_until
from test_writers import COLUMNS, ROWS, Writers


class Stopping(Writers):
    def hold(self):
        """apply in the middle of its work, waiting for a lock that this test holds."""
        child = self.start('apply', 't', '--json')
        db = self.open()
        held = False

        def middle():
            nonlocal held
            if held:
                return True
            if child.poll() is not None:
                return True
            try:
                db.execute('BEGIN IMMEDIATE')
            except sqlite3.OperationalError:
                return False
            try:
                held = 0 < db.execute('SELECT count(*) FROM t WHERE email_ciphertext IS NOT NULL').fetchone()[0] < ROWS
            except sqlite3.OperationalError:
                pass  # no such column yet
            if not held:
                db.execute('ROLLBACK')
            return held
        wait_until(middle, step=0.001)
        return child, db, held

    def in_the_middle(self):
        self.table()
        for _ in range(5):
            child, db, held = self.hold()
            if held:
                return child, db
            db.close()
            self.wait(child)
            self.sql('UPDATE t SET email = email || 1')  # too fast: all of them again
        self.skipTest('apply was done before it could be stopped')

    def test_sigint_in_the_middle(self):
        child, db = self.in_the_middle()
        sealed = db.execute('SELECT count(*) FROM t WHERE email_ciphertext IS NOT NULL').fetchone()[0]
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
        db.execute('ROLLBACK')
        db.close()
        run = self.wait(child, 130)
        self.assertEqual(run.json()['error']['code'], 'interrupted')
        self.assertLess(self.sealed(), ROWS)
        self.assertGreaterEqual(self.sealed(), sealed)
        done = self.bulla('apply', 't', '--json').model()
        self.assertEqual(done['sealed'] + done['already'], ROWS)
        self.assertLess(done['sealed'], ROWS)
        self.settle()

    def test_a_second_apply_is_busy(self):
        child, db = self.in_the_middle()
        db.execute('ROLLBACK')
        db.close()
        self.bulla('apply', 't', status=(0, 1))  # busy, unless the first has ended meanwhile
        self.assertIn(self.runs[-1].status and self.runs[-1].code(), (0, 'busy'))
        self.wait(child)
        self.settle()

    def test_after_sigkill_the_next_run_takes_over(self):
        child, db = self.in_the_middle()
        child.send_signal(signal.SIGKILL)
        child.wait()
        db.execute('ROLLBACK')
        db.close()
        self.assertIn(self.bulla('status', 't', '--json').model()['phase'], ('applying', 'applied'))
        done = self.bulla('apply', 't', '--json').model()
        self.assertLess(done['sealed'], ROWS)
        self.settle()


class Guard(Writers):
    """The trigger that stays: two writers with two fresh keys must not tear a record."""

    def setUp(self):
        super().setUp()
        self.table(20)
        self.bulla('apply')

    def refused(self, *statements):
        before = exact_rows(self.database, 't', self.columns('t'), ['id'])
        with self.assertRaises(sqlite3.IntegrityError) as caught:
            self.sql(*statements)
        self.assertIn('bulla', str(caught.exception))
        self.assertEqual(exact_rows(self.database, 't', self.columns('t'), ['id']), before)

    def always(self):
        self.refused('UPDATE t SET encrypted_kms_key = randomblob(98) WHERE id = 1')
        self.refused('UPDATE t SET encrypted_kms_key = randomblob(98), email_ciphertext = randomblob(40) WHERE id = 1')
        self.refused('UPDATE t SET encrypted_kms_key = (SELECT encrypted_kms_key FROM t WHERE id = 2) WHERE id = 1')
        self.refused('UPDATE t SET encrypted_kms_key = NULL WHERE id = 1')
        self.refused('UPDATE t SET encrypted_kms_key = NULL, email_ciphertext = NULL WHERE id = 1')
        self.refused('INSERT INTO t (id, email_ciphertext) VALUES (99, randomblob(40))')
        self.refused('REPLACE INTO t (id, email_ciphertext) VALUES (1, randomblob(40))')

    def test_before_finish(self):
        self.always()
        self.sql('UPDATE t SET encrypted_kms_key = randomblob(98), email_ciphertext = randomblob(40), '
                 'note_ciphertext = randomblob(40), amount_ciphertext = randomblob(40) WHERE id = 1')  # a record written whole
        self.sql('UPDATE t SET email_ciphertext = NULL, note_ciphertext = NULL, amount_ciphertext = NULL, '
                 'encrypted_kms_key = NULL WHERE id = 2')
        self.sql('UPDATE t SET id = 500 WHERE id = 3')
        self.assertEqual(self.sql('SELECT email_ciphertext, encrypted_kms_key FROM t WHERE id = 500'), [(None, None)])
        self.sql('DELETE FROM t WHERE id = 1')
        self.settle()

    def test_after_finish(self):
        expected = exact_rows(self.database, 't', COLUMNS, ['id'])
        self.climb('verify', 'finish')
        self.always()
        self.refused('UPDATE t SET id = 500 WHERE id = 3')
        self.sql("UPDATE t SET city = 'elsewhere' WHERE id = 3")
        self.sql("UPDATE t SET city = (SELECT city FROM t WHERE id = 10) WHERE id = 3")
        records = self.exported('t')
        self.assertEqual([harness.json_exact(records[2][c]) for c in COLUMNS[:4]],
                         [harness.json_form(v) for v in expected[2][:4]])

    def test_two_applications_with_two_fresh_keys(self):
        """Each writes one field under its own new key: the second is refused, the first's record stays whole."""
        self.sql('UPDATE t SET encrypted_kms_key = zeroblob(98), email_ciphertext = zeroblob(40), '
                 'note_ciphertext = zeroblob(40), amount_ciphertext = zeroblob(40) WHERE id = 1')
        self.refused("UPDATE t SET encrypted_kms_key = x'01' || randomblob(97), note_ciphertext = randomblob(40) WHERE id = 1")

    def test_the_application_writes_both(self):
        """Plaintext, ciphertext and key in one statement pass: nothing is unsealed."""
        self.sql("UPDATE t SET email = 'Kq new', email_ciphertext = randomblob(40), encrypted_kms_key = encrypted_kms_key"
                 ' WHERE id = 1')
        self.assertEqual(self.sql('SELECT email_ciphertext IS NULL FROM t WHERE id = 1'), [(0,)])
        self.bulla('verify', status=3)

    def test_a_new_row_of_the_job_is_safe_from_an_old_writer(self):
        """An instance that knows no ciphertext writes plaintext only: the field waits to be sealed again."""
        self.sql("UPDATE t SET note = 'Kq plain' WHERE id = 1")
        self.assertEqual(self.sql('SELECT note_ciphertext FROM t WHERE id = 1'), [(None,)])
        self.bulla('verify', status=3)
        self.assertEqual(self.bulla('apply', '--json').model()['sealed'], 1)
        self.settle()


if __name__ == '__main__':
    harness.main()
