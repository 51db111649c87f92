"""The ladder from `init` to `finish`, and every command beside it, as their users meet them."""
import base64
import json
import os
import stat
import subprocess

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, exact_rows, make_people, people_in_files, people_secrets, person, snapshot

ROWS = 400
FIELDS = ('name', 'email', 'note', 'salary')


class Ladder(harness.Case):
    """A project over ROWS people."""

    def people(self, n=ROWS, model=PEOPLE_MODEL):
        make_people(self.database, n)
        self.hide(*people_secrets(n))
        self.model(model)
        self.expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])

    def phase(self):
        return self.status()['phase']

    def status(self):
        return self.bulla('status', 'people', '--json').model()


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

class Plan(Ladder):
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

class Job(Ladder):
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
            'direct': ('', True),
            'field': ('    data_key: field\n', False),
            'table': ('    data_key: table\n', False),
            'nested': ('    branch_key: { name: "person:{id}", under: everybody }\n', True),
        }
        self.write('bulla.yaml', harness.CONFIG.format(models=''.join(
            '  %s:\n%s    fields:\n      name: { index: {} }\n      note: {}\n' % (name, text) for name,
            (text, _) in branches.items())))
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


# --- search, get ------------------------------------------------------------------------------------------------------

class Reading(Ladder):
    def test_search_folds_as_the_index_says(self):
        self.people(20, PEOPLE_MODEL.replace('name: {}', 'name: { index: { expression: last4 } }'))
        self.sql("UPDATE people SET email = 'STRASSE@Example.org' WHERE id = 5")
        self.climb()
        for wanted in ('straße@example.org', 'STRASSE@EXAMPLE.ORG'):
            self.assertEqual([r['id'] for r in self.bulla('search', 'people', 'email', wanted, '--json').lines()], [5], wanted)
        self.assertEqual([r['id'] for r in self.bulla('search', 'people', 'name', person(6)[1][-4:], '--json').lines()], [6])
        self.write('value', person(8)[2] + '\n')
        by_file = self.bulla('search', 'people', 'email', '--value-file', 'value', '--json').lines()
        by_stdin = self.bulla('search', 'people', 'email', '--value-file', '-', '--json', stdin=person(8)[2].encode()).lines()
        self.assertEqual([r['id'] for r in by_file + by_stdin], [8, 8])

    def test_search_what_cannot_be(self):
        self.people(5)
        self.climb('apply')
        self.fails('usage', 'search', 'people', 'note', 'x')
        self.fails('usage', 'search', 'people', 'email')
        self.fails('not_found', 'search', 'people', 'nothing', 'x')
        self.fails('not_found', 'search', 'nobody', 'email', 'x')

    def test_numbers_and_texts_are_both_found_in_an_any_field(self):
        self.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, v)', "INSERT INTO t VALUES (1, 12), (2, '12'), (3, 12.0), (4, '012')")
        self.model('  t:\n    fields:\n      v: { index: {} }\n')
        self.climb()
        self.assertEqual(sorted(r['id'] for r in self.bulla('search', 't', 'v', '12', '--json').lines()), [1, 2])

    def test_what_is_not_sealed_is_read_where_it_is(self):
        """Until finish plaintext is the truth: a row that waits to be sealed again is neither NULL nor stale."""
        self.people(20)
        self.assertEqual(self.bulla('get', 'people', '5', 'name', '--json').lines(), [{'name': person(5)[1]}])
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        self.climb('apply')
        self.sql("UPDATE people SET name = 'Kq00005z changed', email = NULL WHERE id = 5",
                 ('INSERT INTO people (id, name, email, note, salary, city) VALUES (?, ?, ?, ?, ?, ?)', person(21)))
        self.expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        self.assertEqual(self.bulla('get', 'people', '5', 'name', 'email', '--json').lines(),
                         [{'name': 'Kq00005z changed', 'email': None}])
        self.assertEqual(self.bulla('decrypt', '--model', 'people', '--id', '5', '--field', 'name').stdout, b'Kq00005z changed')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        self.assertEqual(self.bulla('search', 'people', 'email', person(5)[2], '--json').stdout, b'')

    def test_get_for_people(self):
        self.people(20)
        self.climb()
        text = self.bulla('get', 'people', '5').text
        self.assertRegex(text, r'(?m)^id +5$')
        self.assertIn(person(5)[1], text)
        text = self.bulla('get', 'people', '11').text
        self.assertRegex(text, r'(?m)^name +NULL$')
        self.fails('not_found', 'get', 'people', '99')
        self.fails('not_found', 'get', 'people', '5', 'nothing')
        self.fails('usage', 'get', 'people')
        self.fails('not_found', 'get', 'nobody', '5')

    def test_composite_keys(self):
        self.sql('CREATE TABLE orders (tenant_id INTEGER, id INTEGER, address TEXT, PRIMARY KEY (tenant_id, id))',
                 "INSERT INTO orders VALUES (7, 42, 'Kq00042z Lane'), (7, 43, 'Kq00043z Road'), (8, 42, NULL)")
        self.hide('Kq00042z', 'Kq00043z')
        self.model('  orders:\n    primary_key: [tenant_id, id]\n    fields:\n      address: {}\n')
        self.climb()
        whole = {'tenant_id': 7, 'id': 42, 'address': 'Kq00042z Lane'}
        self.assertEqual(self.bulla('get', 'orders', '7,42', '--json').lines(), [whole])
        self.assertEqual(self.bulla('get', 'orders', '--pk', 'id=42', '--pk', 'tenant_id=7', 'address', '--json').lines(),
                         [{'address': 'Kq00042z Lane'}])
        self.assertEqual(self.bulla('get', 'orders', '8,42', 'address', '--json').lines(), [{'address': None}])
        self.fails('usage', 'get', 'orders', '7')
        self.fails('usage', 'get', 'orders', '7,42,1')
        self.fails('usage', 'get', 'orders', '--pk', 'id=42')
        self.fails('not_found', 'get', 'orders', '42,7')
        self.assertEqual(self.bulla('decrypt', '--model', 'orders', '--id', '7,43', '--field', 'address').stdout,
                         b'Kq00043z Road')

    def test_an_empty_table(self):
        self.people(0)
        self.climb()
        self.assertEqual(self.exported('people'), [])
        self.bulla('export', 'people')
        self.assertEqual(self.bulla('search', 'people', 'email', 'a@b.c', '--json').stdout, b'')


# --- single values ----------------------------------------------------------------------------------------------------

class Values(Ladder):
    def box(self, value, *options, **more):
        return self.bulla('encrypt', *options, stdin=value, **more).stdout

    def test_boxes(self):
        self.bulla('init')
        for value in (b'', b'x', b'Kq-secret-token', bytes(range(256)) * 16, 'Kq-ünïcode\n'.encode()):
            box = self.box(value, '--context', 'service=billing', '--context', 'kind=token')
            self.assertRegex(box, rb'\Ab1:[A-Za-z0-9+/]+=*\n\Z')
            opened = self.bulla('decrypt', '--context', 'kind=token', '--context', 'service=billing', stdin=box)
            self.assertEqual(opened.stdout, value)
        self.fails('too_large', 'encrypt', stdin=bytes(4097))
        self.assertNotEqual(self.box(b'same'), self.box(b'same'))

    def test_wrong_context_names_the_part(self):
        self.bulla('init')
        self.hide('Kq-secret-token')
        box = self.box(b'Kq-secret-token', '--context', 'service=billing', '--context', 'kind=token')
        run = self.fails('context', 'decrypt', '--context', 'service=shipping', '--context', 'kind=token', stdin=box)
        self.assertRegex(run.words.split('\n')[0], r'\bservice\b')
        self.assertNotRegex(run.words.split('\n')[0], r'\bkind\b')
        self.assertEqual(run.stdout, b'')
        run = self.fails('context', 'decrypt', '--json', '--context', 'service=billing', '--context', 'kind=key', stdin=box)
        self.assertIn('kind', run.json()['error']['message'])
        for fewer in ((), ('--context', 'service=billing')):  # the checks of another number of pairs cannot be compared
            run = self.bulla('decrypt', *fewer, stdin=box, status=1)
            self.assertIn(run.code(), ('context', 'auth'))
            self.assertIn('context', run.words)
            self.assertEqual(run.stdout, b'')

    def test_boxes_that_are_none(self):
        self.bulla('init')
        self.hide('Kq-secret-token')
        box = base64.b64decode(self.box(b'Kq-secret-token')[3:])
        for damaged in (b'b1:', b'', b'hello', b'b1:!!!!\n', b'b1:' + base64.b64encode(box[:40]) + b'\n'):
            run = self.bulla('decrypt', stdin=damaged, status=1)
            self.assertIn(run.code(), ('format', 'version', 'encoding', 'auth', 'unknown_key'), str(run))
        for at in range(0, len(box), 7):
            flipped = box[:at] + bytes([box[at] ^ 4]) + box[at + 1:]
            salt = 1 <= at < 33  # of the checks, which are advice: it may open, to the same value
            run = self.bulla('decrypt', stdin=b'b1:' + base64.b64encode(flipped) + b'\n', status=(0, 1) if salt else 1)
            if run.status:
                self.assertIn(run.code(), ('format', 'version', 'auth', 'context', 'unknown_key', 'not_found'),
                              'byte %d\n%s' % (at, run))
            self.assertEqual(run.stdout, b'' if run.status else b'Kq-secret-token')

    def test_binary_boxes_and_keys_by_name(self):
        self.bulla('init')
        self.bulla('key', 'create', 'billing')
        box = self.box(b'Kq-secret-token', '--binary', '--key', 'local')
        self.assertEqual(box[:1], b'\2')
        self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-secret-token')
        run = self.bulla('encrypt', '--key', 'local/nothing', stdin=b'x', status=1)
        self.assertIn(run.code(), ('not_found', 'unknown_key', 'usage', 'config'))

    def test_a_field_of_a_record(self):
        self.people(20)
        self.climb('apply')
        for when in ('before', 'after'):
            for field, value in (('name', person(7)[1]), ('note', person(7)[3]), ('email', person(7)[2])):
                run = self.bulla('decrypt', '--model', 'people', '--id', '7', '--field', field)
                self.assertEqual(run.stdout, value.encode(), '%s %s finish' % (field, when))
            if when == 'before':
                self.climb('verify', 'finish')
        self.fails('not_found', 'decrypt', '--model', 'people', '--id', '99', '--field', 'name')
        self.fails('usage', 'decrypt', '--model', 'people', '--id', '7')
        self.fails('usage', 'decrypt', '--model', 'people', '--id', '7', '--field', 'name', '--context', 'a=b')

    def test_writing_a_field_of_a_record(self):
        self.people(20)
        self.climb()
        self.hide('Kq-new-name')
        key = self.sql('SELECT encrypted_kms_key, email_ciphertext FROM people WHERE id = 7')
        self.bulla('encrypt', '--model', 'people', '--id', '7', '--field', 'name', stdin=b'Kq-new-name')
        self.assertEqual(self.bulla('decrypt', '--model', 'people', '--id', '7', '--field', 'name').stdout, b'Kq-new-name')
        self.assertEqual(self.sql('SELECT encrypted_kms_key, email_ciphertext FROM people WHERE id = 7'), key)
        self.bulla('encrypt', '--model', 'people', '--id', '7', '--field', 'email', stdin=b'Kq-New@Mail.org')
        self.assertEqual([r['id'] for r in self.bulla('search', 'people', 'email', 'kq-new@mail.org', '--json').lines()], [7])
        self.assertEqual(self.bulla('search', 'people', 'email', person(7)[2], '--json').stdout, b'')
        self.assertEqual(self.exported('people')[6]['name'], 'Kq-new-name')

    def test_several_processes_at_once(self):
        """One store, one log, one table: many commands."""
        self.people(50)
        self.climb()
        children = [self.start('encrypt', '--context', 'n=%d' % i) for i in range(6)] + [self.start('export',
                                                                                                    'people') for _ in range(3)]
        children += [self.start('get', 'people', str(i)) for i in range(1, 4)] + [self.start('key', 'create',
                                                                                             'k%d' % i) for i in range(3)]
        runs = [self.wait(child) for child in children]
        self.assertEqual(len({run.stdout for run in runs[6:9]}), 1)
        self.assertEqual(len(self.bulla('key', 'list', '--json').json()['keys']), 4)
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def test_inspect_needs_no_keys(self):
        self.people(10)
        self.climb('apply')
        box = self.box(b'Kq-secret-token')
        self.write('bulla.yaml', 'not even yaml: [')
        field, key = self.sql('SELECT name_ciphertext, encrypted_kms_key FROM people WHERE id = 5')[0]
        for given, words in ((field, 'field'), (key, 'key'), (base64.b64decode(box[3:]), 'box')):
            seen = self.bulla('inspect', '--json', stdin=given).json()['ciphertext']
            self.assertIn(words, json.dumps(seen).lower())
            for text in (given.hex(), base64.b64encode(given).decode()):
                self.assertEqual(self.bulla('inspect', '--json', text).json()['ciphertext'], seen)
            self.assertEqual(self.bulla('inspect', '--json', stdin=given.hex().encode() + b'\n').json()['ciphertext'], seen)
        self.assertIn('box', self.bulla('inspect', stdin=box).text)
        self.bulla('inspect', 'hello world', status=1)


# --- keys -------------------------------------------------------------------------------------------------------------

class Keys(Ladder):
    def keys(self):
        return {key['aliases'] or key['id']: key for key in self.bulla('key', 'list', '--json').json()['keys']}

    def test_create_and_list(self):
        self.bulla('init')
        self.assertEqual(set(self.keys()), {'alias/default'})
        made = self.bulla('key', 'create', 'billing', '--description', 'invoices', '--json').json()['key']
        self.assertEqual((made['aliases'], made['description'], made['state'], made['materials']),
                         ('alias/billing', 'invoices', 'enabled', 1))
        self.assertRegex(made['id'], r'\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z')
        self.assertRegex(made['arn'], r'\Aarn:aws:kms:.+:key/' + made['id'])
        self.assertEqual(set(self.keys()), {'alias/default', 'alias/billing'})
        self.fails('exists', 'key', 'create', 'billing')
        self.bulla('key', 'create')
        self.assertEqual(len(self.keys()), 3)
        self.assertIn(made['id'], self.bulla('key', 'list').text)

    def test_rotate(self):
        self.bulla('init')
        box = self.bulla('encrypt', stdin=b'Kq-secret-token').stdout
        old = self.keys()['alias/default']
        key = self.bulla('key', 'rotate', 'local', '--json').json()['key']
        self.assertEqual((key['id'], key['materials']), (old['id'], 2))
        self.assertNotEqual(key['current_material'], old['current_material'])
        self.assertIn('rotated', key)
        self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-secret-token')
        newer = self.bulla('encrypt', stdin=b'Kq-secret-token').stdout
        self.assertIn(key['current_material'], self.bulla('inspect', '--json', stdin=newer).text)
        self.assertNotIn(key['current_material'], self.bulla('inspect', '--json', stdin=box).text)
        key = self.bulla('key', 'rotate', key['arn'], '--every', '365', '--json').json()['key']
        self.assertEqual((key['materials'], key['rotation_days']), (2, 365))
        self.fails('usage', 'key', 'rotate', 'local', '--every', 'often')
        self.bulla('key', 'rotate', 'local', '--every', '10', status=(1, 2))
        self.fails('not_found', 'key', 'rotate', 'local/nothing')

    def test_rotation_touches_no_row(self):
        self.people(20)
        self.climb('apply')
        before = snapshot(self.dir, 'app.db')
        self.bulla('key', 'rotate', 'alias/default')
        self.assertEqual(snapshot(self.dir, 'app.db'), before)
        self.climb('verify', 'finish')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def test_a_disabled_key_opens_nothing(self):
        self.people(20)
        self.climb('apply')
        box = self.bulla('encrypt', stdin=b'Kq-secret-token').stdout
        self.assertEqual(self.bulla('key', 'disable', 'local', '--json').json()['key']['state'], 'disabled')
        self.sql("UPDATE people SET note = 'Kq00007z again' WHERE id = 7")
        for command in (('decrypt',), ('encrypt',), ('decrypt', '--model', 'people', '--id', '7', '--field', 'name'), ('apply',),
                        ('verify',), ('search', 'people', 'email', 'a@b.c')):
            run = self.fails('key_disabled', *command, stdin=box)
            self.assertEqual(run.stdout, b'', str(run))
            self.assertIn('enable', run.next)
        self.assertEqual(self.sql('SELECT count(*) FROM bulla_quarantine'), [(0,)])  # it is not the rows' fault
        self.bulla('key', 'enable', 'local')
        self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-secret-token')
        self.climb()
        denied = [json.loads(line) for line in self.bulla('audit', 'lookup', '--outcome', 'key_disabled',
                                                          '--json').text.splitlines()]
        self.assertTrue(denied)


# --- audit ------------------------------------------------------------------------------------------------------------

class Audit(Ladder):
    def test_what_is_recorded(self):
        self.people(20)
        self.climb('apply')
        self.bulla('encrypt', '--context', 'service=billing', stdin=b'Kq-secret-token')
        events = self.bulla('audit', 'export').lines()
        names = [event['eventName'] for event in events]
        for name in ('CreateKey', 'JobStarted', 'JobFinished'):
            self.assertIn(name, names)
        for event in events:
            self.assertRegex(event['eventTime'], r'\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z\Z')
            self.assertRegex(event['principal'], r'\Alocal:%d/.+@.+' % os.geteuid())
        found = self.bulla('audit', 'lookup', '--context', 'service=billing', '--json').lines()
        self.assertEqual([e['encryptionContext']['service'] for e in found], ['billing'])
        self.assertEqual(self.bulla('audit', 'lookup', '--context', 'service=shipping', '--json').stdout, b'')
        self.assertEqual([e['eventName'] for e in self.bulla('audit', 'lookup', '--operation', 'CreateKey', '--json').lines()],
                         ['CreateKey'])
        self.assertEqual(len(self.bulla('audit', 'show', '--last', '3', '--json').lines()), 3)
        self.assertEqual(len(self.bulla('audit', 'show', '-n', '2').text.splitlines()), 2)
        self.assertEqual(self.bulla('audit', 'lookup', '--since', '2999-01-01', '--json').stdout, b'')
        self.assertEqual(len(self.bulla('audit', 'lookup', '--since', '1d', '--json').lines()),
                         len(self.bulla('audit', 'export').lines()))
        self.fails('usage', 'audit', 'lookup', '--since', 'yesterday')

    def test_opening_is_recorded(self):
        self.people(20)
        self.climb()
        before = len(self.bulla('audit', 'lookup', '--operation', 'Decrypt', '--json').lines())
        self.bulla('get', 'people', '7')
        after = self.bulla('audit', 'lookup', '--operation', 'Decrypt', '--json').lines()
        self.assertGreater(len(after), before)
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def test_verify_and_its_exit_status(self):
        self.bulla('init')
        answer = self.bulla('audit', 'verify', '--json').json()
        self.assertEqual((answer['verified'], answer['vouched']), (True, False))
        self.assertEqual(answer['entries'], len(self.bulla('audit', 'export').lines()))
        self.assertTrue(answer['origin'] and answer['root'] and answer['checkpoints'])
        self.bulla('audit', 'verify')
        self.bulla('audit', 'verify', '--strict', status=3)

    def test_a_changed_entry_is_named(self):
        self.bulla('init')
        for i in range(4):
            self.bulla('encrypt', stdin=b'Kq-secret-token')
        where = self.path('.bulla', 'audit')
        changed = 0
        for name in harness.files_below(where):
            with open(name, 'rb') as file:
                content = file.read()
            if b'"CreateKey"' in content:
                with open(name, 'wb') as file:
                    file.write(content.replace(b'"CreateKey"', b'"CreateKez"'))
                changed += 1
        self.assertGreater(changed, 0)
        run = self.bulla('audit', 'verify', '--json', status=(1, 3))
        if run.status == 3:
            answer = run.json()
            self.assertFalse(answer['verified'])
            self.assertTrue(answer['problem'])
            self.assertIn('first_bad', answer)
        else:
            self.assertIn(run.code(), ('audit', 'corrupt'))

    def test_a_cut_log_is_found(self):
        self.bulla('init')
        old = snapshot(self.path('.bulla', 'audit'))
        self.bulla('encrypt', stdin=b'Kq-secret-token')
        for name in harness.files_below(self.path('.bulla', 'audit')):
            os.unlink(name)
        for name, content in old.items():
            os.makedirs(os.path.dirname(self.path('.bulla', 'audit', name)), exist_ok=True)
            with open(self.path('.bulla', 'audit', name), 'wb') as file:
                file.write(content)
        run = self.bulla('audit', 'verify', '--json', status=(1, 3))
        self.assertFalse(run.json().get('verified', False))
        self.fails('audit', 'encrypt', stdin=b'x')
        self.bulla('audit', 'adopt', '--reason', 'a test has cut it')
        self.bulla('encrypt', stdin=b'x')
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])
        self.fails('usage', 'audit', 'adopt')

    def test_export_as_files(self):
        self.bulla('init')
        answer = self.bulla('audit', 'export', '--out', 'log', '--json').json()
        self.assertEqual(answer['directory'], 'log')
        self.assertEqual(answer['files'], len(harness.files_below(self.path('log'))))
        self.assertRegex(self.read('log', 'checkpoint').decode(), r'\Abulla/[0-9a-f]{8}\n\d+\n[A-Za-z0-9+/]+=*\n(.+\n)*\n\u2014 ')
        self.fails('exists', 'audit', 'export', '--out', 'log')

    def test_a_witness_vouches(self):
        self.write('bulla.yaml',
                   'version: 1\nenvironments:\n  development:\n    key: local\n    audit: { witness: ["file:witness"] }\n')
        self.bulla('init')
        self.bulla('audit', 'verify')
        self.assertTrue(self.bulla('audit', 'verify', '--strict', '--json').json()['vouched'])


# --- the key store as a whole -----------------------------------------------------------------------------------------

class Kms(Ladder):
    def test_backup_and_restore(self):
        self.people(20)
        self.climb()
        answer = self.bulla('kms', 'backup', 'kms.backup', '--json').json()
        self.assertEqual(answer['file'], 'kms.backup')
        self.fails('exists', 'kms', 'backup', 'kms.backup')
        self.fails('exists', 'kms', 'restore', 'kms.backup')
        for name in ('kms.db', 'kms.db-wal', 'kms.db-shm'):
            if os.path.exists(self.path('.bulla', name)):
                os.unlink(self.path('.bulla', name))
        self.fails('not_found', 'get', 'people', '7')
        restored = self.bulla('kms', 'restore', 'kms.backup', '--json').json()
        if restored['needs_adoption']:
            self.fails('audit', 'get', 'people', '7')
            self.bulla('audit', 'adopt', '--reason', 'a test')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def test_an_older_store_refuses_service_until_it_is_adopted(self):
        self.people(20)
        self.climb('apply')
        self.bulla('kms', 'backup', 'kms.backup')
        self.bulla('key', 'rotate', 'local')
        self.climb('verify', 'finish')
        restored = self.bulla('kms', 'restore', 'kms.backup', '--force', '--json').json()
        self.assertTrue(os.path.exists(self.path(restored['replaced'])))
        self.assertTrue(restored['needs_adoption'])
        self.fails('audit', 'get', 'people', '7')
        self.fails('audit', 'encrypt', stdin=b'x')
        self.bulla('audit', 'adopt', '--reason', 'restored by a test')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        found = self.bulla('audit', 'lookup', '--operation', 'Discontinuity', '--json').lines()
        self.assertEqual(len(found), 1)
        self.assertIn('restored by a test', json.dumps(found[0]))

    def test_a_backup_opens_with_its_root_key_only(self):
        self.bulla('init')
        self.bulla('kms', 'backup', 'kms.backup')
        os.mkdir(self.path('other'))
        self.bulla('init', cwd=self.path('other'))
        run = self.bulla('kms', 'restore', '../kms.backup', '--force', cwd=self.path('other'), status=1)
        self.assertEqual(run.code(), 'root_key')
        self.bulla('encrypt', stdin=b'x', cwd=self.path('other'))
        self.write('nonsense', 'nonsense')
        run = self.bulla('kms', 'restore', 'nonsense', '--force', status=1)
        self.assertIn(run.code(), ('corrupt', 'format'))
        self.fails('not_found', 'kms', 'restore', 'nowhere', '--force')
        self.bulla('encrypt', stdin=b'x')

    def test_rekey(self):
        self.people(20)
        self.climb('apply')
        old = {name: harness.key_bytes(self.read('.bulla', name)) for name in ('root.key', 'escrow.key')}
        old_key = self.read('.bulla', 'root.key')
        answer = self.bulla('kms', 'rekey', '--json').json()
        self.assertNotEqual(harness.key_bytes(self.read(answer['root_key'])), old['root.key'])
        self.assertEqual(harness.key_bytes(self.read(answer['root_key'])), harness.key_bytes(self.read(answer['escrow'])))
        self.assertEqual(harness.key_bytes(self.read(answer['retired'])), old['root.key'])
        self.climb('verify', 'finish')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])
        self.write('old.key', old_key.decode())
        os.chmod(self.path('old.key'), 0o600)
        good = self.read('bulla.yaml').decode()
        self.write('bulla.yaml', good.replace('{ key: local }', '{ key: local, root_key: "file:old.key" }'))
        run = self.fails('root_key', 'get', 'people', '7')
        self.assertEqual(run.stdout, b'')
        self.write('bulla.yaml', good)
        self.bulla('get', 'people', '7')

    def test_the_escrow_opens_the_store(self):
        self.people(20)
        self.climb()
        os.unlink(self.path('.bulla', 'root.key'))
        self.fails('not_found', 'get', 'people', '7')
        os.rename(self.path('.bulla', 'escrow.key'), self.path('.bulla', 'root.key'))
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)

    def test_apply_warns_while_the_escrow_is_here(self):
        self.people(5)
        self.assertIn('escrow', self.bulla('apply').words)
        os.unlink(self.path('.bulla', 'escrow.key'))
        self.assertNotIn('escrow', self.bulla('apply').words)


# --- how it speaks ----------------------------------------------------------------------------------------------------

class Manners(Ladder):
    def test_wrong_command_lines(self):
        for args in (('aply',), ('apply', '--flow'), ('apply', 'a', 'b'), ('key',), ('key', 'rotat'),
                     ('apply', '--workers', 'many'),
                     ('apply', '--workers'), ('finish', '--settle', 'soon'), ('verify', '--sample', '0'), ('get',), ('-z',),
                     ('apply', '--follow=yes'), ('encrypt', '--context', 'novalue'), ('init', '--fields', 'a')):
            self.fails('usage', *args)
            self.fails('usage', '--json', *args)
        self.fails('usage', 'aply', '--json')
        self.assertIn('apply', self.fails('usage', 'aply').words)
        self.assertIn('--follow', self.fails('usage', 'apply', '--flow').words)

    def test_help_and_version(self):
        self.assertRegex(self.bulla('version').text, r'\d+\.\d+\.\d+')
        self.assertEqual(self.bulla('--version').text, self.bulla('version').text)
        listed = self.bulla('help').text
        for command in ('init', 'plan', 'apply', 'verify', 'finish', 'status', 'search', 'get', 'export', 'encrypt', 'decrypt',
                        'inspect',
                        'key list', 'key create', 'key rotate', 'key enable', 'key disable', 'kms backup', 'kms restore',
                        'kms rekey',
                        'audit show', 'audit lookup', 'audit verify', 'audit export', 'audit adopt'):
            self.assertIn(command, listed)
            self.assertTrue(self.bulla('help', *command.split()).text.strip(), command)
            self.assertTrue(self.bulla(*command.split(), '--help').text.strip(), command)

    def test_without_a_project(self):
        for args in (('apply',), ('plan',), ('status',), ('key', 'list'), ('audit', 'verify'), ('encrypt',)):
            self.fails('not_found', *args)
            self.assertIn('init', self.fails('not_found', *args, '--json').json()['error']['next'])
        self.assertEqual(os.listdir(self.dir), [])

    def test_quiet(self):
        self.people(10)
        self.assertEqual([line for line in self.bulla('apply', '--quiet').words.splitlines() if 'warning' not in line], [])
        self.assertEqual(self.bulla('verify', '-q', '--json').words, '')

    def test_a_reader_that_goes(self):
        self.people(200)
        self.climb('apply')
        read, write = os.pipe()
        os.close(read)
        child = self.start('export', 'people')
        self.wait(child)
        done = subprocess.run([harness.settings['command'], 'export', 'people'], stdout=write, stderr=subprocess.PIPE,
                              cwd=self.dir,
                              env=self.environment(), timeout=harness.LONG, check=False)
        os.close(write)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_a_full_output(self):
        if not os.path.exists('/dev/full'):
            self.skipTest('no /dev/full')
        self.people(200)
        self.climb('apply')
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([harness.settings['command'], 'export', 'people'], stdout=full, stderr=subprocess.PIPE,
                                  cwd=self.dir,
                                  env=self.environment(), timeout=harness.LONG, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb'bulla: full: ')

    def test_progress_as_json_lines(self):
        """Lines of progress, where there are any, are objects of their own before the answer."""
        self.people(400)
        self.assertTrue(self.bulla('apply', '--json').json()['ok'])
        self.assertTrue(self.bulla('verify', '--json').json()['ok'])


if __name__ == '__main__':
    harness.main()
