"""Rotation by the command: who sees which key, what survives SIGINT and SIGKILL, stale writers, and that not one value is lost."""
import random
import signal
import time

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, wait_until

DIRECT = '''  people:
    context: { model_name: Person, model_id: "{id}" }
    fields: { name: {}, email: {}, note: {}, salary: {} }
'''
VERSIONS = "SELECT hex(substr(encrypted_kms_key, 35, 9)), count(*) FROM people WHERE encrypted_kms_key IS NOT NULL GROUP BY 1"
LADDER = ('apply', 'verify', 'finish')


class Rotate(harness.People):
    def same_values(self):
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def rotated(self, *options, status=0):
        return self.bulla('rotate', 'people', *options, '--json', status=status).model()

    def events(self):
        return [event['eventName'] for event in self.bulla('audit', 'export').lines()]

    def stored(self):
        return dict((row[0], row[1:]) for row in self.sql(
            'SELECT id, encrypted_kms_key, name_ciphertext, email_ciphertext, note_ciphertext, salary_ciphertext FROM people'))


class Kinds(Rotate):
    def test_new_wraps_under_a_new_branch_version(self):
        self.people(steps=LADDER)
        before = self.stored()
        old = self.sql(VERSIONS)
        done = self.rotated()
        self.assertEqual((done['kind'], done['rotated'], done['left'], done['resumed']), ('wrap', self.rows, 0, False))
        self.assertEqual(done['keys'][0]['versions'], [{'kind': 'branch', 'records': self.rows,
                                                        'reference': done['keys'][0]['versions'][0]['reference']}])
        after = self.stored()
        self.assertTrue(all(before[i][0] != after[i][0] and before[i][0][:33] == after[i][0][:33] and before[i][1:] == after[i][1:]
                            for i in before))
        self.assertNotEqual(self.sql(VERSIONS), old)
        self.same_values()
        status = self.status()
        self.assertEqual((status['wrap_debt'], status['rotation']['kind'], status['rotation']['under_way']), (0, 'wrap', False))
        self.sql(('UPDATE people SET encrypted_kms_key = ? WHERE id = 7', (before[7][0],)))  # by somebody who had read it before
        self.assertEqual(self.status()['wrap_debt'], 1)
        self.assertEqual(self.rotated('--debt')['left'], 1)
        self.assertIn('--catch-up', self.bulla('status', 'people').next)
        self.assertEqual(self.rotated('--catch-up')['rotated'], 1)
        self.assertEqual(self.rotated('--debt')['left'], 0)
        self.same_values()

    def test_the_kms_wraps_again_by_itself(self):
        """New material, then new wraps: the job asks for no key of any row."""
        self.people(60, model=DIRECT, steps=LADDER)
        self.assertEqual(self.rotated()['rotated'], 0)
        self.bulla('key', 'rotate', 'local')
        self.assertEqual(self.rotated('--debt')['left'], 60)
        before, events = self.stored(), self.events()
        self.assertEqual(self.rotated()['rotated'], 60)
        new = self.events()[len(events):]
        self.assertEqual((new.count('ReEncrypt'), new.count('Decrypt')), (60, 1))  # one: the proof that the new wraps open
        self.assertTrue(all(before[i][1:] == row[1:] for i, row in self.stored().items()))
        self.assertEqual(self.rotated('--debt')['left'], 0)
        self.same_values()

    def test_from_one_kms_key_to_another(self):
        self.people(40, model=DIRECT, steps=LADDER)
        self.bulla('key', 'create', 'next')
        refused = self.fails('refused', 'rotate', 'people', '--to', 'local/next')
        self.assertIn('previous:', refused.next)
        text = self.read('bulla.yaml').decode()
        self.write('bulla.yaml', text.replace('{ key: local }', '{ keys: [local/next], previous: [local] }'))
        self.assertEqual(self.rotated('--to', 'local/next')['rotated'], 40)
        self.write('bulla.yaml', text.replace('{ key: local }', '{ keys: [local/next] }'))
        self.same_values()

    def test_new_data_keys(self):
        self.people(steps=LADDER)
        before = self.stored()
        done = self.rotated('--data')
        self.assertEqual((done['kind'], done['rotated'], done['left']), ('data', self.rows, 0))
        for i, row in self.stored().items():
            self.assertNotEqual(row[0][1:33], before[i][0][1:33])
            self.assertTrue(all((a is None) == (b is None) and (a is None or a != b) for a, b in zip(row, before[i])))
        self.same_values()
        self.assertEqual(self.bulla('search', 'people', 'email', self.expected[4][2][1].decode(), '--json').lines()[0]['id'], 5)
        self.assertEqual(self.bulla('verify', 'people', '--json').model()['equal'], self.rows)

    def test_a_new_index_beside_the_old_one(self):
        """Both are searched while bulla.yaml names both; then the old one goes."""
        self.people(60, steps=LADDER)
        email = self.expected[4][2][1].decode()
        text = self.read('bulla.yaml').decode()
        index = 'index: { normalize: lowercase }'
        window = 'index: { version: 2, kind: fast, bits: 64, normalize: lowercase, previous: { normalize: lowercase } }'
        self.assertIn(index, text)
        self.write('bulla.yaml', text.replace(index, window))
        found = lambda: [row['id'] for row in self.bulla('search', 'people', 'email', email.upper(), '--json').lines()]
        self.assertEqual(found(), [5])
        done = self.rotated('--index')
        self.assertEqual((done['kind'], done['left'], done['windows']), ('index', 0, 1))
        self.assertEqual(found(), [5])
        self.assertIn('previous', self.bulla('rotate', 'people', '--index').next)
        self.write('bulla.yaml', text.replace(index, 'index: { version: 2, bits: 64, normalize: lowercase }'))
        self.assertEqual(self.rotated('--index')['windows'], 0)
        self.assertNotIn('email_bidx', self.columns('people'))
        self.assertEqual(found(), [5])
        self.same_values()
        self.assertEqual(self.bulla('verify', 'people', '--json').model()['equal'], 60)

    def test_another_context(self):
        self.people(60, steps=LADDER)
        text = self.read('bulla.yaml').decode()
        self.write('earlier.yaml', text)
        self.write('bulla.yaml', text.replace('model_name: Person', 'model_name: Human, city: "{city}"'))
        self.assertEqual(self.bulla('verify', 'people', '--json', status=3).model()['quarantined'], 60)
        self.fails('usage', 'rotate', 'people', '--context')
        self.fails('refused', 'rotate', 'people', '--context', '--from', 'bulla.yaml')
        self.fails('usage', 'rotate', 'people', '--from', 'earlier.yaml')
        done = self.rotated('--context', '--from', 'earlier.yaml', status=3)  # what verify has put aside stays there
        self.assertEqual((done['rotated'], done['left']), (60, 0))
        self.same_values()
        self.assertEqual(self.bulla('verify', 'people', '--json').model()['quarantined'], 0)

    def test_usage(self):
        self.people(5, steps=('apply',))
        self.fails('usage', 'rotate', '--wrap', '--data')
        self.fails('usage', 'rotate', '--data', '--debt')
        self.assertIn('5 rotated', self.bulla('rotate', 'people').text)


class Damage(Rotate):
    def test_bad_rows_are_put_aside_and_never_overwritten(self):
        """The rest is rotated; what does not open stays, byte for byte, and the exit status says so."""
        self.people(50, steps=LADDER)
        self.sql("UPDATE people SET name_ciphertext = substr(name_ciphertext, 1, 15) || x'00ff' || substr(name_ciphertext, 18) WHERE id = 4",
                 "UPDATE people SET name_ciphertext = CAST(name_ciphertext AS BLOB) WHERE id = 4",
                 "UPDATE people SET email_ciphertext = x'ff01020304' WHERE id = 9")
        before = self.stored()
        done = self.rotated('--data', status=3)
        self.assertEqual((done['rotated'], done['quarantined'], done['left']), (48, 2, 2))
        after = self.stored()
        self.assertEqual([i for i in before if before[i] == after[i]], [4, 9])
        self.assertEqual(self.sql("SELECT pk, field, reason FROM bulla_quarantine ORDER BY pk"),
                         [('[4]', 'name', 'tampered'), ('[9]', 'email', 'format')])
        self.sql('DELETE FROM people WHERE id IN (4, 9)')
        self.assertEqual(self.rotated('--data')['quarantined'], 0)
        self.expected = [row for row in self.expected if row[0][1] not in (4, 9)]
        self.same_values()


class Interrupted(Rotate):
    rows = 3000

    def test_sigint_leaves_a_checkpoint(self):
        self.people(steps=LADDER)
        child = self.start('rotate', 'people', '--data', '--settle', '60s')
        self.assertTrue(wait_until(lambda: self.some_progress()))
        child.send_signal(signal.SIGINT)
        self.wait(child, status=130)
        status = self.status()
        self.assertTrue(status['rotation']['under_way'])
        self.assertIn('rotate people --data', self.bulla('status', 'people').next)
        self.fails('refused', 'rotate', 'people', '--wrap')
        done = self.rotated('--data')
        self.assertEqual((done['resumed'], done['rotated_in_all']), (True, self.rows))
        self.same_values()

    def some_progress(self):
        return bool(self.sql("SELECT 1 FROM sqlite_master WHERE name = 'bulla_rotation'")) and \
            bool(self.sql('SELECT 1 FROM bulla_rotation WHERE done > 0'))

    def test_a_second_one_is_refused(self):
        self.people(30, steps=LADDER)
        child = self.start('rotate', 'people', '--settle', '60s')
        self.assertTrue(wait_until(lambda: self.some_progress()))
        self.fails('busy', 'rotate', 'people')
        child.send_signal(signal.SIGINT)
        self.wait(child, status=130)

    def test_killed_beside_a_writer_that_writes_stale_rows_back(self):
        """SIGKILL at random moments of every kind; an application meanwhile puts back, whole, rows that it had read before."""
        self.people(steps=LADDER)
        old, chance = self.stored(), random.Random(7)
        for options in (('--wrap',), ('--data',)):
            for _ in range(4):
                child = self.start('rotate', 'people', *options)
                self.write_back(old, chance, 0.05 + chance.random() * 0.4)
                child.send_signal(signal.SIGKILL)
                child.wait()
                self.same_values_now(old)
            self.assertEqual(self.rotated(*options)['left'], 0)
            now = self.stored()
            self.assertEqual([i for i in old if old[i][0] == now[i][0]], [])
            self.assertEqual(len(self.sql(VERSIONS)), 1)
            old = now
        self.same_values()
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def same_values_now(self, old):
        self.assertEqual(len(self.stored()), len(old))
        records = self.exported('people')
        self.assertEqual([[harness.json_exact(r[c]) for c in PEOPLE_COLUMNS] for r in records],
                         [[harness.json_form(v) for v in row] for row in self.expected])

    def write_back(self, old, chance, seconds):
        end, db = time.monotonic() + seconds, self.open()
        while time.monotonic() < end:
            i = chance.choice(list(old))
            db.execute('UPDATE people SET encrypted_kms_key = ?, name_ciphertext = ?, email_ciphertext = ?, note_ciphertext = ?, '
                       'salary_ciphertext = ? WHERE id = ?', (*old[i], i))
            time.sleep(0.002)
        db.close()


if __name__ == '__main__':
    harness.main()
