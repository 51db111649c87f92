"""Rows that somebody damaged, and secrets that nobody may find."""
import os
import shutil

import harness
from harness import PEOPLE_COLUMNS, exact_rows, person

ROWS = 40


# --- damaged rows -----------------------------------------------------------------------------------------------------

class Damage(harness.People):
    """Changes made behind the triggers' back, as whoever writes the file could."""
    rows = ROWS

    def behind(self, *statements):
        triggers = self.sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        self.sql(*['DROP TRIGGER %s' % harness.quote(name) for name, _ in triggers], *statements, *[sql for _, sql in triggers])

    def cell(self, column, i):
        return self.sql('SELECT %s FROM people WHERE id = %d' % (column, i))[0][0]

    def put(self, column, i, value):
        self.behind(('UPDATE people SET %s = ? WHERE id = ?' % column, (value, i)))

    def damage(self):
        """One kind of damage per row: id to the reasons that fit."""
        flip = self.cell('name_ciphertext', 1)
        self.put('name_ciphertext', 1, flip[:-1] + bytes([flip[-1] ^ 1]))
        self.put('name_ciphertext', 2, self.cell('name_ciphertext', 2)[:-3])
        self.put('name_ciphertext', 3, b'foreign bytes that nobody sealed, and long enough')
        self.put('encrypted_kms_key', 4, self.cell('encrypted_kms_key', 14))
        self.put('name_ciphertext', 5, self.cell('name_ciphertext', 15))
        self.put('name_ciphertext', 6, self.cell('email_ciphertext', 6))
        self.put('encrypted_kms_key', 7, b'foreign bytes that nobody wrapped, and long enough to be a key of some kind')
        self.put('name_ciphertext', 8, b'')
        self.put('name_ciphertext', 9, 'text')
        self.put('encrypted_kms_key', 10, self.cell('encrypted_kms_key', 10)[:50])
        return {1: ('tampered',), 2: ('tampered',), 3: ('tampered', 'format'), 4: ('context', 'tampered'),
                5: ('tampered', 'context'),
                6: ('tampered',), 7: ('format', 'wrong_key'), 8: ('format', 'tampered'), 9: ('format', 'tampered', 'type'),
                10: ('format', 'tampered')}

    def check_quarantine(self, reasons):
        found = {}
        for pk, reason in self.sql("SELECT pk, reason FROM bulla_quarantine WHERE model = 'people'"):
            found.setdefault(int(pk.strip('[]')), set()).add(reason)
        self.assertEqual(sorted(found), sorted(reasons))
        for i, allowed in reasons.items():
            self.assertTrue(found[i] <= set(allowed), 'row %d: %s' % (i, found[i]))

    def test_before_finish(self):
        self.people(steps=('apply',))
        good = exact_rows(self.database, 'people', self.columns('people'), ['id'])
        reasons = self.damage()
        run = self.bulla('verify', '--json', status=3)
        done = run.model()
        self.assertEqual((done['rows'], done['equal']), (ROWS, ROWS - len(reasons)))
        self.check_quarantine(reasons)
        status = self.bulla('status', '--json').model()
        self.assertEqual(sum(status['quarantine'].values()), len(reasons))
        self.fails('refused', 'finish', '--settle', '0s')
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
        self.repair(good)
        self.bulla('verify')
        self.assertEqual(self.sql('SELECT * FROM bulla_quarantine'), [])
        self.bulla('finish', '--settle', '0s')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def test_before_finish_apply_seals_them_again(self):
        """The plaintext is there, and is the truth: what a verification has put aside goes back to the queue."""
        self.people(steps=('apply',))
        reasons = self.damage()
        self.bulla('verify', status=3)
        self.check_quarantine(reasons)
        done = self.bulla('apply', '--json').model()
        self.assertEqual((done['sealed'], done['quarantined']), (len(reasons), 0))
        self.climb('verify', 'finish')
        self.assertEqual(self.sql('SELECT * FROM bulla_quarantine'), [])
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def repair(self, good):
        columns = self.columns('people')
        statements = []
        for row in good:
            for column, (kind, value) in zip(columns, row):
                if column.endswith('_ciphertext') or column == 'encrypted_kms_key':
                    statements.append(('UPDATE people SET %s = ? WHERE id = ?' % column, (value, row[0][1])))
        self.behind(*statements)

    def test_after_finish(self):
        self.people(steps=('apply', 'verify', 'finish'))
        good = exact_rows(self.database, 'people', self.columns('people'), ['id'])
        reasons = self.damage()
        for i in reasons:
            run = self.bulla('get', 'people', str(i), 'name', status=1)
            self.assertIn(run.code(), ('auth', 'context', 'format', 'version', 'unknown_key', 'type', 'encoding'), str(run))
            self.assertEqual(run.stdout, b'')
        run = self.bulla('export', 'people', '--json', status=3)
        self.assertEqual([r['id'] for r in run.lines()], [i for i in range(1, ROWS + 1) if i not in reasons])
        self.assertIn('%d records do not open' % len(reasons), run.words)
        self.assertEqual(len(harness.csv_lines(self.bulla('export', 'people', status=3).stdout)), 1 + ROWS - len(reasons))
        self.bulla('verify', status=3)
        self.check_quarantine(reasons)
        self.repair(good)
        self.bulla('verify')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def test_a_copied_row_is_named(self):
        """Key and all ciphertexts of one row in another: the message says which part differs."""
        self.people(steps=('apply', 'verify', 'finish'))
        sealed = [c for c in self.columns('people') if c.endswith('_ciphertext') or c == 'encrypted_kms_key']
        self.behind('UPDATE people SET (%s) = (SELECT %s FROM people WHERE id = 12) WHERE id = 13' % (', '.join(sealed),
                                                                                                      ', '.join(sealed)))
        run = self.fails('context', 'get', 'people', '13')
        self.assertIn('model_id', run.words)
        self.assertNotIn('model_name', run.words.split('\n')[0])
        self.bulla('verify', status=3)
        self.assertEqual(self.sql('SELECT pk, reason FROM bulla_quarantine'), [('[13]', 'context')])

    def test_a_row_that_went_back_or_away(self):
        """After finish rows may come and go, which is the application's right; verify may say that they did."""
        self.people(steps=('apply', 'verify', 'finish'))
        self.bulla('verify')
        self.sql('DELETE FROM people WHERE id = 5')
        self.bulla('verify', status=(0, 3))
        self.assertEqual(len(self.exported('people')), ROWS - 1)

    def test_an_index_that_was_copied_is_tampering(self):
        self.people(steps=('apply', 'verify', 'finish'))
        self.behind('UPDATE people SET email_bidx = (SELECT email_bidx FROM people WHERE id = 12) WHERE id = 11')
        run = self.fails('auth', 'search', 'people', 'email', person(12)[2])
        self.assertNotIn('Kq00011z', run.text)

    def test_plaintext_that_was_changed_behind_the_triggers(self):
        """verify compares: the sealed value is not the one that is there."""
        self.people(steps=('apply',))
        self.behind("UPDATE people SET name = 'Kq00012z other' WHERE id = 12")
        done = self.bulla('verify', '--json', status=3).model()
        self.assertEqual(done['differences'], 1)
        self.fails('refused', 'finish', '--settle', '0s')
        self.assertEqual(self.sql('SELECT name FROM people WHERE id = 12'), [('Kq00012z other',)])

    def test_a_report_that_was_forged_does_not_allow_finish(self):
        """Its signature is the key store's."""
        self.people(steps=('apply', 'verify'))
        good = self.sql('SELECT report FROM bulla_report')[0][0]
        text = good if isinstance(good, str) else good.decode()
        for forged in (text.replace('"rows":40', '"rows":41'), text.replace('"ed25519":"', '"ed25519":"A'), '{}', ''):
            self.assertNotEqual(forged, text)
            self.sql(('UPDATE bulla_report SET report = ?', (forged,)))
            self.bulla('finish', '--settle', '0s', status=1)
            self.assertEqual(self.columns('people')[:6], PEOPLE_COLUMNS)
        self.sql(('UPDATE bulla_report SET report = ?', (good,)))
        self.bulla('finish', '--settle', '0s')

    def test_another_key_stores_report_does_not_allow_finish(self):
        """It has a good signature, the same table, the same model: but it is not ours."""
        self.people()
        os.mkdir(self.path('other'))
        for name in ('app.db', 'bulla.yaml'):
            shutil.copy(self.path(name), self.path('other', name))
        for command in ('init', 'apply', 'verify'):
            self.bulla(command, cwd=self.path('other'))
        self.bulla('apply')
        reports = self.sql('SELECT * FROM bulla_report', database=self.path('other', 'app.db'))
        self.sql(('INSERT INTO bulla_report VALUES (%s)' % ', '.join('?' * len(reports[0])), reports[0]))
        self.fails('refused', 'finish', '--settle', '0s')
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)


# --- secrets ----------------------------------------------------------------------------------------------------------

class Secrets(harness.People):
    rows = ROWS

    def test_no_secret_in_what_is_said_or_kept(self):
        """Every command, well and badly used, with values that would be found again."""
        self.people()
        self.hide('Kq-box-secret', 'Kq-field-secret', 'Kq-search-secret')
        self.bulla('plan', '--json')
        self.bulla('plan')
        self.climb('apply', 'verify')
        self.sql("UPDATE people SET name = 'Kq00012z again', note = NULL WHERE id = 12")
        self.climb()
        self.bulla('search', 'people', 'email', '--value-file', '-', stdin=b'Kq-search-secret')
        self.bulla('search', 'people', 'note', '--value-file', '-', stdin=b'Kq-search-secret', status=2)
        box = self.bulla('encrypt', stdin=b'Kq-box-secret').stdout
        self.bulla('inspect', stdin=box)
        self.bulla('encrypt', '--model', 'people', '--id', '5', '--field', 'name', stdin=b'Kq-field-secret')
        self.bulla('encrypt', '--model', 'people', '--id', '5', '--field', 'nme', stdin=b'Kq-field-secret', status=1)
        self.bulla('encrypt', '--key', 'local/nothing', stdin=b'Kq-box-secret', status=1)
        self.bulla('inspect', stdin=b'Kq-box-secret', status=1)
        self.bulla('decrypt', stdin=b'Kq-box-secret', status=1)
        self.bulla('status')
        self.bulla('audit', 'export')
        self.bulla('kms', 'rekey')
        self.bulla('kms', 'backup', 'b')
        self.check_secrets()
        for secret in self.secrets:
            self.assertNotIn(secret, self.read('b'))

    def test_nothing_shows_in_the_process_list(self):
        """Beside what the user wrote there: the command starts no others, and rewrites nothing."""
        self.people(3000)
        child = self.start('apply')
        seen = harness.wait_until(lambda: self.arguments(child.pid), 10)
        self.assertEqual(seen, [harness.settings['command'].encode(), b'apply'])
        self.wait(child)

    def arguments(self, pid):
        try:
            with open('/proc/%d/cmdline' % pid, 'rb') as file:
                words = file.read().split(b'\0')[:-1]
            return words if words and words[0].endswith(b'bulla') else None
        except OSError:
            return None


if __name__ == '__main__':
    harness.main()
