"""From `init` to `finish`: the ladder that a table climbs, as its users meet it."""
import json
import os
import re
import signal
import stat

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, exact_rows, make_people, people_in_files, person, snapshot

ROWS = harness.PEOPLE_ROWS
FIELDS = ('name', 'email', 'note', 'salary')


# --- init -------------------------------------------------------------------------------------------------------------

class Init(harness.Case):
    def init(self, *more, **options):
        make_people(self.database, 20)
        return self.bulla('init', '--database', 'sqlite:app.db', '--table', 'people', '--fields', 'name,email', '--index',
                          'email',
                          *more, **options)

    def test_makes_what_it_says(self):
        answer = self.init('--json').json()
        self.assertTrue(answer['ok'])
        self.assertTrue(answer['written'])
        self.assertIsNone(answer['kept'])
        self.assertEqual(answer['models'], ['people'])
        for name in ('config', 'store', 'root_key', 'escrow'):
            self.assertTrue(os.path.isfile(self.path(answer[name])), name)
        for name in ('root.key', 'escrow.key', 'kms.db'):
            self.assertEqual(stat.S_IMODE(os.stat(self.path('.bulla', name)).st_mode) & 0o077, 0, name)
        self.assertEqual(harness.key_bytes(self.read('.bulla', 'root.key')), harness.key_bytes(self.read('.bulla', 'escrow.key')))
        self.assertTrue(os.path.isdir(self.path('.bulla', 'audit')))
        self.assertEqual(len(self.sql('SELECT * FROM people')), 20)

    def test_its_file_can_be_used(self):
        self.init()
        text = self.read('bulla.yaml').decode()
        self.assertRegex(text, r'(?m)^version: 1$')
        self.assertRegex(text, r'(?m)^  people:$')
        self.assertRegex(text, r'(?m)^ +email: .*index')
        self.bulla('plan')
        self.bulla('apply')
        self.bulla('verify')

    def test_refuses_to_overwrite(self):
        self.init()
        before = snapshot(self.dir)
        self.fails('exists', 'init', '--database', 'sqlite:app.db', '--table', 'people', '--fields', 'name,note')
        self.fails('exists', 'init')
        run = self.fails('exists', 'init', '--json')
        self.assertTrue(run.json()['error']['next'])
        self.assertEqual(snapshot(self.dir), before)

    def test_force_keeps_the_old_file_and_the_store(self):
        self.init()
        old, store = self.read('bulla.yaml'), snapshot(self.path('.bulla'), 'root.key', 'escrow.key')
        answer = self.bulla('init', '--database', 'sqlite:app.db', '--table', 'people', '--fields', 'note', '--force',
                            '--json').json()
        self.assertEqual(self.read(answer['kept']), old)
        self.assertNotEqual(self.read('bulla.yaml'), old)
        self.assertIsNone(answer['escrow'])
        self.assertEqual(snapshot(self.path('.bulla'), 'root.key', 'escrow.key'), store)
        self.climb('apply', 'verify')

    def test_each_file_of_one_second_is_kept(self):
        self.init()
        for fields in ('note', 'name', 'note', 'name', 'note'):
            old = self.read('bulla.yaml')
            answer = self.bulla('init', '--database', 'sqlite:app.db', '--table', 'people', '--fields', fields, '--force',
                                '--json').json()
            self.assertEqual(self.read(answer['kept']), old)
        self.assertEqual(len([name for name in os.listdir(self.dir) if name.startswith('bulla.yaml.')]), 5)

    def test_makes_the_store_of_a_file_that_is_there(self):
        make_people(self.database, 5)
        self.write('bulla.yaml', harness.CONFIG.format(models=PEOPLE_MODEL))
        before = self.read('bulla.yaml')
        answer = self.bulla('init', '--json').json()
        self.assertFalse(answer['written'])
        self.assertEqual(self.read('bulla.yaml'), before)
        self.climb('apply', 'verify')

    def test_without_a_database_it_writes_an_example(self):
        self.bulla('init')
        self.assertIn('version: 1', self.read('bulla.yaml').decode())
        self.bulla('key', 'list')
        self.fails('not_found', 'apply')

    def test_environment_and_place_can_be_chosen(self):
        make_people(self.database, 5)
        os.mkdir(self.path('there'))
        self.bulla('init', '--config', 'there/bulla.yaml', '--database', 'sqlite:../app.db', '--table', 'people', '--fields',
                   'name',
                   env={'BULLA_ENV': 'test'})
        self.assertTrue(os.path.isfile(self.path('there', '.bulla', 'kms.db')))
        self.fails('config', 'apply', '--config', 'there/bulla.yaml')  # there is no environment development
        self.bulla('apply', env={'BULLA_ENV': 'test', 'BULLA_CONFIG': self.path('there', 'bulla.yaml')}, cwd='/')

    def test_what_the_database_does_not_have(self):
        make_people(self.database, 5)
        before = snapshot(self.dir)
        for table, fields in (('persons', 'name'), ('people', 'name,nme')):
            self.fails('not_found', 'init', '--database', 'sqlite:app.db', '--table', table, '--fields', fields)
        self.fails('not_found', 'init', '--database', 'sqlite:nowhere.db', '--table', 'people', '--fields', 'name')
        self.assertEqual(snapshot(self.dir), before)
        self.assertFalse(os.path.exists(self.path('nowhere.db')))


# --- plan -------------------------------------------------------------------------------------------------------------

class Plan(harness.People):
    def plan(self, *more, **options):
        return self.bulla('plan', 'people', '--json', *more, **options).json()['plans'][0]

    def test_numbers_are_those_of_the_table(self):
        self.people()
        plan = self.plan()
        self.assertEqual(plan['rows'], ROWS)
        self.assertEqual(plan['refusals'], [])
        fields = {field['name'] if 'name' in field else field['field']: field for field in plan['fields']}
        for name in FIELDS:
            nulls, empty, longest = self.sql("SELECT sum({0} IS NULL), sum({0} = ''), max(length(CAST({0} AS BLOB))) FROM people"
                                             .format(name))[0]
            self.assertEqual(fields[name]['nulls'], nulls, name)
            self.assertEqual(fields[name]['empty'], empty or 0, name)
            if name != 'salary':
                self.assertEqual(fields[name]['longest'], longest, name)

    def test_what_an_index_gives_away(self):
        self.people()
        self.sql("UPDATE people SET email = 'Same@Example.org' WHERE id <= 100",
                 "UPDATE people SET email = 'same@example.ORG' WHERE id <= 50")
        index = [f for f in self.plan()['fields'] if f.get('name', f.get('field')) == 'email'][0]['index']
        distinct, = self.sql('SELECT count(DISTINCT lower(email)) FROM people WHERE email IS NOT NULL')[0]
        self.assertEqual(index['distinct'], distinct)

    def test_says_the_same_to_people(self):
        self.people()
        run = self.bulla('plan', 'people')
        for words in ('keys: branch key:', 'index: ', 'on this host: '):
            self.assertIn(words, run.text)
        self.assertIn('people', run.text)
        self.assertIn('400', run.text)
        for name in FIELDS:
            self.assertIn(name, run.text)

    def test_writes_nothing(self):
        self.people()
        before = snapshot(self.dir, 'app.db', 'bulla.yaml')
        self.bulla('plan')
        self.bulla('plan', '--json')
        self.assertEqual(snapshot(self.dir, 'app.db', 'bulla.yaml'), before)
        self.assertEqual(harness.database_files(self.database), [self.database])

    def test_a_plan_can_be_applied(self):
        self.people()
        self.bulla('plan', 'people', '--out', 'people.plan')
        self.assertEqual(json.loads(self.read('people.plan'))['plans'][0]['rows'], ROWS)
        self.fails('exists', 'plan', 'people', '--out', 'people.plan')
        self.sql('UPDATE people SET note = note || 1 WHERE id = 7')  # data may change, the table's definition may not
        self.bulla('apply', 'people', '--plan', 'people.plan')
        self.bulla('verify', 'people')

    def test_drift_is_refused(self):
        self.people()
        self.bulla('plan', 'people', '--out', 'people.plan')
        self.sql('ALTER TABLE people ADD COLUMN extra')
        before = snapshot(self.dir, 'app.db')
        self.fails('drift', 'apply', 'people', '--plan', 'people.plan')
        self.fails('drift', 'apply', 'people', '--plan', 'people.plan', '--json')
        self.assertEqual(snapshot(self.dir, 'app.db'), before)
        self.bulla('plan', 'people', '--out', 'again.plan')
        self.bulla('apply', 'people', '--plan', 'again.plan')

    def test_a_changed_model_is_drift_too(self):
        self.people()
        self.bulla('plan', 'people', '--out', 'people.plan')
        self.write('bulla.yaml', harness.CONFIG.format(models=PEOPLE_MODEL.replace('      note: {}\n', '')))
        self.fails('drift', 'apply', 'people', '--plan', 'people.plan')

    def test_files_that_are_no_plans(self):
        self.people(5)
        self.write('a.plan', '{"plans": []}')
        self.write('b.plan', 'not json')
        self.fails('not_found', 'apply', 'people', '--plan', 'a.plan')
        self.fails('not_found', 'apply', 'people', '--plan', 'c.plan')
        run = self.bulla('apply', 'people', '--plan', 'b.plan', status=1)
        self.assertIn(run.code(), ('format', 'config'))

    def test_rehearsal(self):
        self.people()
        before, names = snapshot(self.dir, 'app.db'), sorted(os.listdir(self.dir))
        rehearsal = self.plan('--rehearse')['rehearsal']
        self.assertEqual((rehearsal['rows'], rehearsal['quarantined'], rehearsal['differences']), (ROWS, 0, 0))
        self.assertEqual(snapshot(self.dir, 'app.db'), before)
        self.assertEqual(sorted(os.listdir(self.dir)), names)


# --- apply, verify, finish --------------------------------------------------------------------------------------------

class Job(harness.People):
    def test_the_whole_ladder(self):
        self.people()
        self.assertEqual(self.phase(), 'planned')
        self.apply_it()
        self.verify_it()
        self.read_it('before finish')
        self.finish_it()
        self.read_it('after finish')
        again = self.bulla('verify', 'people', '--json').model()
        self.assertEqual((again['rows'], again['equal'], again['differences']), (ROWS, ROWS, 0))
        self.assertEqual((again['finished'], again['equals_last_report']), (True, True))
        self.assertEqual(self.phase(), 'finished')
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def apply_it(self):
        self.fails('refused', 'finish', 'people', '--settle', '0s')
        done = self.bulla('apply', 'people', '--json').model()
        self.assertEqual((done['rows'], done['sealed'], done['already'], done['quarantined']), (ROWS, ROWS, 0, 0))
        self.assertEqual(self.phase(), 'applied')
        again = self.bulla('apply', 'people', '--json').model()
        self.assertEqual((again['rows'], again['sealed'], again['quarantined']), (ROWS, 0, 0))
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
        for field in FIELDS:
            left, = self.sql('SELECT count(*) FROM people WHERE ({0} IS NULL) <> ({0}_ciphertext IS NULL)'.format(field))[0]
            self.assertEqual(left, 0, field)
        self.assertEqual(self.sql('SELECT count(DISTINCT encrypted_kms_key) FROM people'), [(ROWS,)])
        self.fails('refused', 'finish', 'people', '--settle', '0s')  # not verified

    def verify_it(self):
        done = self.bulla('verify', 'people', '--json').model()
        self.assertEqual((done['rows'], done['equal'], done['differences'], done['unsealed'], done['quarantined']),
                         (ROWS, ROWS, 0, 0, 0))
        report = json.loads(self.read(done['report']))
        self.assertIn('.bulla/reports', done['report'])
        self.assertTrue(report['signature'])
        self.assertEqual(self.phase(), 'verified')

    def read_it(self, when):
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        record = self.bulla('get', 'people', '7', '--json').lines()
        self.assertEqual([harness.json_exact(record[0][c]) for c in PEOPLE_COLUMNS],
                         [harness.json_form(v) for v in self.expected[6]], when)
        self.assertEqual(self.bulla('get', 'people', '7', 'email', 'salary', '--json').lines(),
                         [{'email': person(7)[2], 'salary': person(7)[4]}])
        found = self.bulla('search', 'people', 'email', person(8)[2].upper(), '--json').lines()
        self.assertEqual([r['id'] for r in found], [8], when)
        self.assertEqual(self.bulla('search', 'people', 'email', 'nobody@example.org', '--json').stdout, b'')

    def finish_it(self):
        self.assertGreater(len(people_in_files(self.database)), ROWS - 5)
        done = self.bulla('finish', 'people', '--settle', '0s', '--json').model()
        self.assertEqual(done['rows'], ROWS)
        self.assertTrue(done['elsewhere'])
        for place in done['elsewhere']:
            self.assertTrue(place['where'] and place['how_to_end'])
        self.assertEqual(people_in_files(self.database), set())
        self.assertEqual([c for c in self.columns('people') if c in PEOPLE_COLUMNS], ['id', 'city'])

    def test_status_counts_in_each_phase(self):
        self.people()
        self.assertEqual(self.phase(), 'planned')
        self.bulla('apply')
        status = self.status()
        self.assertEqual((status['phase'], status['rows']), ('applied', ROWS))
        fields = {field.get('name', field.get('field')): field for field in status['fields']}
        for name in FIELDS:
            sealed, null = self.sql('SELECT sum({0} IS NOT NULL), sum({0} IS NULL) FROM people'.format(name))[0]
            self.assertEqual((fields[name]['sealed'], fields[name]['unsealed'], fields[name]['null']), (sealed, 0, null), name)
        self.sql("UPDATE people SET email = 'Kq00001z.new@example.org' WHERE id <= 3")
        fields = {field.get('name', field.get('field')): field for field in self.status()['fields']}
        self.assertEqual(fields['email']['unsealed'], 3)
        self.bulla('apply')
        self.bulla('verify')
        self.assertEqual(self.phase(), 'verified')
        self.bulla('finish', '--settle', '0s')
        self.assertEqual(self.phase(), 'finished')
        self.bulla('status')

    def test_status_needs_no_keys(self):
        self.people(20)
        self.bulla('apply')
        os.rename(self.path('.bulla', 'root.key'), self.path('elsewhere'))
        self.assertEqual(self.phase(), 'applied')

    def test_journal_modes_are_left_alone(self):
        for mode in ('delete', 'wal', 'truncate', 'persist'):
            with self.subTest(mode=mode):
                for name in ('app.db', 'app.db-wal', 'app.db-shm', 'app.db-journal'):
                    if os.path.exists(self.path(name)):
                        os.unlink(self.path(name))
                make_people(self.database, 60)
                if not os.path.exists(self.path('bulla.yaml')):
                    self.model(PEOPLE_MODEL)
                self.sql('PRAGMA journal_mode = %s' % mode)
                expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
                before = self.read('app.db')[18:20]  # of the file's header: 1 1 for a rollback journal, 2 2 for WAL
                self.climb()
                self.assertEqual(self.read('app.db')[18:20], before)
                self.assertEqual(before, b'\2\2' if mode == 'wal' else b'\1\1')
                self.assertEqual(people_in_files(self.database), set())
                self.assert_exports('people', 'people', PEOPLE_COLUMNS, expected)

    def test_finish_beside_a_reader_in_wal_mode(self):
        """Somebody else has the database open, as applications do; the log must hold no plaintext when finish says so."""
        self.people(60)
        self.sql('PRAGMA journal_mode = wal')
        reader = self.open()
        try:
            reader.execute('SELECT count(*) FROM people').fetchall()
            self.climb()
            self.assertEqual(people_in_files(self.database), set())
            self.assertEqual(reader.execute('SELECT count(*) FROM people').fetchall(), [(60,)])
        finally:
            reader.close()
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def test_what_was_deleted_before_is_gone_too(self):
        """Free pages, and free room on pages, hold rows that the application has deleted or changed long ago."""
        self.people(300)
        self.sql('PRAGMA secure_delete = off', 'DELETE FROM people WHERE id % 3 = 0',
                 "UPDATE people SET name = 'Kq00001z', note = NULL WHERE id % 3 = 1",
                 'DELETE FROM people WHERE id BETWEEN 100 AND 250', 'CREATE TABLE other AS SELECT * FROM people',
                 'DROP TABLE other')
        self.expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        left = {value for row in self.expected for kind, value in row if kind == 'text'}
        deleted = people_in_files(self.database) - {mark for value in left for mark in re.findall(rb'Kq\d{5}z', value)}
        self.assertGreater(len(deleted), 10)
        self.climb()
        self.assertEqual(people_in_files(self.database), set())
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def test_finish_goes_on_when_a_reader_of_the_old_rows_has_ended(self):
        """Somebody's open snapshot keeps the old rows in the write-ahead log: finish says so instead of being done."""
        self.people(300)
        self.sql('PRAGMA journal_mode = wal')
        self.climb('apply', 'verify')
        reader = self.open()
        reader.execute('BEGIN')
        reader.execute('SELECT count(*) FROM people').fetchall()
        child = self.start('finish', 'people', '--settle', '0s')
        try:
            gone = harness.wait_until(lambda: child.poll() is not None or 'name' not in self.columns('people'))
            self.assertTrue(gone)
            child.send_signal(signal.SIGINT)
            run = self.wait(child, (1, 130))
            self.assertIn(run.code(), ('locked', 'interrupted'))
            self.assertNotEqual(self.phase(), 'finished')
        finally:
            reader.close()
        self.bulla('finish', 'people', '--settle', '0s')
        self.assertEqual(self.phase(), 'finished')
        self.assertEqual(people_in_files(self.database), set())
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def test_settle_waits_for_the_last_plaintext_only_write(self):
        self.people(30)
        self.climb('apply')
        self.sql("UPDATE people SET note = 'Kq00005z, changed by an old instance' WHERE id = 5")
        self.fails('refused', 'finish', 'people', '--settle', '0s')
        self.climb('apply', 'verify')
        run = self.fails('refused', 'finish', 'people')
        self.assertEqual(self.columns('people')[:6], PEOPLE_COLUMNS)
        self.assertTrue(run.next)
        self.bulla('finish', 'people', '--settle', '0s')
        self.assertEqual(self.exported('people')[4]['note'], 'Kq00005z, changed by an old instance')

    def test_a_change_after_the_verification(self):
        self.people(30)
        self.climb('apply', 'verify')
        self.sql("UPDATE people SET note = 'Kq00005z, changed after verify' WHERE id = 5")
        self.fails('refused', 'finish', 'people', '--settle', '0s')
        self.assertEqual(self.sql('SELECT note FROM people WHERE id = 5'), [('Kq00005z, changed after verify',)])

    def test_a_sample_does_not_allow_finish(self):
        self.people()
        self.climb('apply')
        done = self.bulla('verify', 'people', '--sample', '20', '--json').model()
        self.assertLess(done['equal'], ROWS)
        self.fails('refused', 'finish', 'people', '--settle', '0s')

    def test_shadow_writes_nothing_to_the_table(self):
        self.people(50)
        self.bulla('apply', 'people', '--shadow')
        self.assertEqual(self.columns('people'), PEOPLE_COLUMNS)
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
        self.climb()

    def test_side_table(self):
        self.people(50)
        self.bulla('apply', 'people', '--side-table')
        self.assertEqual(self.columns('people'), PEOPLE_COLUMNS)
        self.sql(('INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)', person(51)))  # code that names no columns
        self.assertEqual(self.bulla('apply', 'people', '--json').model()['sealed'], 1)
        expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        self.climb('verify', 'finish')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, expected)

    def test_all_models_at_once(self):
        make_people(self.database, 30)
        self.sql('CREATE TABLE pets (id INTEGER PRIMARY KEY, name)', "INSERT INTO pets VALUES (1, 'Kq00001z the cat'), (2, NULL)")
        self.model(PEOPLE_MODEL + '  pets:\n    fields:\n      name: {}\n')
        self.assertEqual([m['model'] for m in self.bulla('apply', '--json').json()['models']], ['people', 'pets'])
        self.assertEqual([m['equal'] for m in self.bulla('verify', '--json').json()['models']], [30, 2])
        self.bulla('finish', '--settle', '0s')
        self.assertEqual(self.exported('pets'), [{'id': 1, 'name': 'Kq00001z the cat'}, {'id': 2, 'name': None}])

    def test_direct_wraps_and_shared_keys(self):
        branches = {
            'direct': '',
            'field': '    data_key: field\n',
            'table': '    data_key: table\n',
            'nested': '    branch_key: { name: "person:{id}", under: everybody }\n',
        }
        self.write('bulla.yaml', harness.CONFIG.format(models=''.join(
            '  %s:\n%s    fields:\n      name: { index: {} }\n      note: {}\n' % pair for pair in branches.items())))
        for name in branches:
            self.sql('CREATE TABLE "%s" (id INTEGER PRIMARY KEY, name, note)' % name,
                     "INSERT INTO \"%s\" VALUES (1, 'Kq00001z', ''), (2, NULL, NULL), (3, 12, 'Kq00003z ü')" % name)
        self.hide('Kq00001z', 'Kq00003z')
        self.bulla('init')
        expected = {name: exact_rows(self.database, name, ['id', 'name', 'note'], ['id']) for name in branches}
        self.climb()
        for name in branches:
            with self.subTest(data_key=name):
                self.assert_exports(name, name, ['id', 'name', 'note'], expected[name])
                self.assertEqual([r['id'] for r in self.bulla('search', name, 'name', 'Kq00001z', '--json').lines()], [1])


if __name__ == '__main__':
    harness.main()
