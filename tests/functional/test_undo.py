"""The way back: `bulla undo` before finish and after it, as its users meet it."""
import json
import signal
import sqlite3

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, exact_rows, people_in_files

ROWS = harness.PEOPLE_ROWS
BY_PERSON = PEOPLE_MODEL.replace('{ name: people }', '{ name: "person:{id}", under: people }')


class Table(harness.People):
    def schema(self):
        return self.sql('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name')

    def people(self, *more, **options):
        super().people(*more, **options)
        self.sql('CREATE VIEW names AS SELECT name FROM people', 'CREATE INDEX by_salary ON people (salary)',
                 'CREATE TRIGGER changed AFTER UPDATE OF note ON people BEGIN SELECT OLD.note; END')
        self.before = self.schema()

    def assert_back(self):
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
        self.assertEqual(self.schema(), self.before)
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])

    def undo(self, *more, **options):
        return self.bulla('undo', 'people', '--json', *more, **options).model()


class Undo(Table):
    def test_before_finish(self):
        self.people()
        self.assertEqual((self.undo()['was'], self.undo()['undone']), ('nothing', False))
        for steps in (('apply',), ('apply', 'verify')):
            self.climb(*steps)
            done = self.undo()
            self.assertEqual((done['was'], done['undone'], done['definition'], done['rows'], done['verified']),
                             ('sealed', True, 'recorded', ROWS, ROWS))
            self.assert_back()
        self.assertEqual(self.phase(), 'planned')

    def test_after_finish(self):
        self.people()
        self.climb()
        self.assertEqual(people_in_files(self.database), set())
        done = self.undo()
        self.assertEqual((done['was'], done['undone'], done['definition'], done['rows'], done['verified'], done['lost']),
                         ('finished', True, 'recorded', ROWS, ROWS, 0))
        self.assertEqual([(o['kind'], o['name']) for o in done['back']], [('index', 'by_salary'), ('view', 'names')])
        self.assert_back()
        report = json.loads(self.read(done['report']))
        self.assertEqual((report['report'], report['equal'], report['undo']['definition']), ('bulla undo', ROWS, 'recorded'))
        self.assertTrue(report['signature'] and report['digest_equal_to'])
        self.climb()  # and up again
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        self.assertIn('PlaintextRestored', [event['eventName'] for event in self.bulla('audit', 'export').lines()])
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def test_words(self):
        self.people(20)
        self.assertIn('nothing to undo', self.bulla('undo').text)
        self.climb('apply')
        self.assertIn('what apply added is gone', self.bulla('undo').text)
        self.climb()
        run = self.bulla('undo')
        self.assertIn('the plaintext of 20 rows is back', run.text)
        self.assertIn('view names is back', run.text)
        self.assertIn('keep the key store', run.next)

    def test_side_table(self):
        self.people(50)
        for finished in (False, True):
            self.bulla('apply', 'people', '--side-table')
            self.climb(*(['verify', 'finish'] if finished else ['verify']))
            self.undo()
            self.assert_back()

    def test_a_program_that_writes_only_ciphertext(self):
        self.people(30)
        self.climb('apply')
        # what such a program leaves behind: the ciphertext, and no plaintext beside it
        self.sql('DROP TRIGGER "bulla_field.people.name"', 'UPDATE people SET name = NULL WHERE id = 5')
        run = self.fails('refused', 'undo', 'people')
        self.assertIn('[5]', run.words)
        self.assertIn('--discard', run.next)
        self.assertEqual(self.sql('SELECT count(*) FROM people WHERE encrypted_kms_key IS NOT NULL'), [(30,)])
        self.bulla('undo', 'people', '--discard')
        self.assertEqual(self.columns('people'), PEOPLE_COLUMNS)

    def test_discard_needs_no_keys(self):
        self.people(30)
        self.climb('apply')
        self.write('.bulla/root.key', 'lost\n')
        self.assertNotEqual(self.bulla('undo', 'people', status=1).status, 0)
        run = self.bulla('undo', 'people', '--discard')
        self.assertIn('the audit log is not told of this', run.words)
        self.assert_back()

    def test_rows_that_do_not_open(self):
        self.people(60)
        self.climb()
        kept = self.sql('SELECT name_ciphertext FROM people WHERE id = 7')[0][0]
        self.sql("UPDATE people SET name_ciphertext = x'00' WHERE id = 7")
        run = self.bulla('undo', 'people', '--json', status=3)
        done = run.model()
        self.assertEqual((done['undone'], done['quarantined']), (False, 1))
        self.assertIn('bulla undo people', run.next)
        status = self.status()
        self.assertEqual((status['phase'], status['opened'], status['quarantine']), ('undoing', 59, {'format': 1}))
        self.assertEqual(self.sql('SELECT pk, field, reason FROM bulla_quarantine'), [('[7]', 'name', 'format')])
        self.assertIn('bulla undo people', self.bulla('status', 'people').next)
        # meanwhile everything else works as before
        self.assertEqual(len(self.bulla('export', 'people', '--json', status=3).lines()), 59)
        self.bulla('verify', 'people', status=3)
        self.fails('refused', 'apply', 'people')
        self.fails('refused', 'rotate', 'people', '--data')
        found = [f['id'] for f in self.bulla('doctor', '--json', status=(0, 3)).json()['findings']]
        self.assertIn('undo_unfinished', found)
        self.assertNotIn('guard', found)
        self.sql(('UPDATE people SET name_ciphertext = ? WHERE id = 7', (kept,)))
        self.undo()
        self.assert_back()

    def test_finish_gives_it_up(self):
        self.people(60)
        self.climb()
        self.sql("UPDATE people SET name_ciphertext = x'00' WHERE id = 7")
        self.bulla('undo', 'people', status=3)
        self.assertGreater(len(people_in_files(self.database)), 50)
        self.bulla('finish', 'people', '--settle', '0s')
        self.assertEqual(people_in_files(self.database), set())
        self.assertEqual(self.phase(), 'finished')

    def test_shredded_rows_are_lost(self):
        self.people(40, model=BY_PERSON)
        self.climb()
        self.store("UPDATE bulla_branch SET state = 3, wrapped = x'' WHERE print IN ('person:7', 'person:11')")
        done = self.undo()
        self.assertEqual((done['undone'], done['lost'], done['lost_rows']), (True, 2, [[7], [11]]))
        expected = [row if row[0][1] not in (7, 11) else [row[0]] + [('null', None)] * 4 + row[5:] for row in self.expected]
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), expected)
        self.assertEqual(self.schema(), self.before)

    def test_rows_that_shred_has_cleared(self):
        """Nothing in the row itself says any more that it held something: the bookkeeping does."""
        self.people(40, model=BY_PERSON)
        text = self.read('bulla.yaml').decode()
        self.write('bulla.yaml', text.replace('{ key: local }', '{ key: local, cache: { max_age: 1s } }'))  # shred waits for it
        self.climb()
        for row in ('8', '12'):
            self.bulla('shred', 'people', row, '--wait')
        self.assertEqual(self.sql('SELECT count(*) FROM people WHERE encrypted_kms_key IS NULL'), [(2,)])
        done = self.undo()
        self.assertEqual((done['undone'], done['lost'], sorted(done['lost_rows'])), (True, 2, [[8], [12]]))
        self.assertEqual(self.sql('SELECT id, name, email FROM people WHERE id IN (8, 12)'), [(8, None, None), (12, None, None)])
        self.assertEqual([row for row in self.schema() if not row[1].startswith(('bulla_shred', 'sqlite_autoindex_bulla'))],
                         self.before)

    def test_a_lost_value_where_there_must_be_one(self):
        self.sql('CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, n INT)',
                 "INSERT INTO people VALUES (1, 'Kq00001z', 1), (2, 'Kq00002z', 2)")
        self.model('  people:\n    branch_key: { name: "person:{id}", under: people }\n    fields: { name: {} }\n')
        self.climb()
        self.store("UPDATE bulla_branch SET state = 3, wrapped = x'' WHERE print = 'person:2'")
        run = self.fails('refused', 'undo', 'people')
        self.assertIn('--lost TEXT', run.next)
        run = self.bulla('undo', 'people', '--lost', '(erased)')
        self.assertIn('1 row was shredded, and what was sealed of it is lost: 2', run.text)
        self.assertEqual(self.sql('SELECT * FROM people'), [(1, 'Kq00001z', 1), (2, '(erased)', 2)])

    def test_interrupted(self):
        """Ctrl-C leaves a checkpoint, and the same command goes on."""
        self.people(4000)
        self.climb()
        child = self.start('undo', 'people')
        harness.wait_until(lambda: child.poll() is not None or self.opened() > 0)
        child.send_signal(signal.SIGINT)
        run = self.wait(child, (0, 130))
        if run.status == 130:
            self.assertEqual(self.phase(), 'undoing')
            self.assertEqual(self.columns('people')[:2], ['id', 'city'])
            self.undo()
        self.assert_back()

    def opened(self):
        try:
            return self.sql('SELECT count(*) FROM "bulla_undo.people"')[0][0]
        except sqlite3.OperationalError:
            return 0


if __name__ == '__main__':
    harness.main()
