"""What hangs from which key, counted exactly; and the gate that a key goes through before it is deleted."""
import os
import shutil
import signal
import time

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, wait_until

CONFIG = '''version: 1
environments:
  development: {{ %s, cache: {{ max_age: 200ms }} }}
databases:
  main: {{ url: "sqlite:app.db" }}
models:
{models}'''
DIRECT = '''  people:
    context: { model_name: Person, model_id: "{id}" }
    fields: { name: {}, email: { index: {} }, note: {}, salary: {} }
'''
SHARED = DIRECT.replace('    fields', '    data_key: table\n    fields')
TENANTS = '''  people:
    context: { model_name: Person, model_id: "{id}" }
    branch_key: { name: "city:{city}", under: cities }
    fields: { name: {}, email: {}, note: {}, salary: {} }
'''
ONE, BOTH, MOVED = 'key: local', 'keys: [local, "file:second.key"], min_wraps: 2', 'keys: [local/new], previous: [local]'
SECONDS = 0.6  # more than twice max_age


class Retire(harness.People):
    rows = 60

    def people(self, n=None, model=PEOPLE_MODEL, steps=('apply',), keys=ONE):
        n = n or self.rows
        harness.make_people(self.database, n)
        self.hide(*harness.people_secrets(n))
        self.texts = model
        self.configure(keys)
        self.bulla('init')
        self.expected = harness.exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        self.climb(*steps)

    def configure(self, keys):
        self.write('bulla.yaml', (CONFIG % keys).format(models=self.texts))

    def second_key(self):
        self.write('second.key', '00112233445566778899aabbccddeeff' * 2 + '\n')
        os.chmod(self.path('second.key'), 0o600)

    def census(self, *args):
        return self.bulla('key', 'census', *args, '--json').json()

    def key(self, alias='alias/default'):
        return [key for key in self.bulla('key', 'list', '--json').json()['keys'] if key['aliases'] == alias][0]

    def versions(self):
        """Kind and reference of first wraps, and how many rows have them, as the database says without bulla."""
        return {(kind, reference.lower()): n for kind, reference, n in self.sql(
            'SELECT hex(substr(encrypted_kms_key, 35, 1)), hex(substr(encrypted_kms_key, 36, 8)), count(*) FROM people '
            'WHERE encrypted_kms_key IS NOT NULL GROUP BY 1, 2')}

    def events(self, name):
        return self.bulla('audit', 'lookup', '--operation', name, '--json').lines()

    def same_values(self):
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)


class Census(Retire):
    def test_a_branch_key(self):
        self.people()
        found = self.census()
        column, = found['columns']
        self.assertEqual((column['database'], column['model'], column['table'], column['column'], column['rows'], column['unreadable'],
                          column['indexed']), ('main', 'people', 'people', 'encrypted_kms_key', self.rows, 0, True))
        line, = found['census']
        self.assertEqual((line['kind'], line['branch'], line['state'], line['rows']), ('branch', 'people', 'active', self.rows))
        self.assertEqual({('08', line['version']): self.rows}, self.versions())
        self.assertEqual(line['under'], [{'kind': 'engine', 'version': self.key()['current_material'], 'key': 'alias/default',
                                          'key_id': self.key()['id']}])
        self.assertEqual([(b['branch'], b['purpose'], b['state'], b['rows']) for b in found['branches']],
                         [('index:Person/email', 'index', 'active', 0), ('people', 'record', 'active', self.rows)])
        of_key = self.census('local')
        self.assertEqual(of_key['key']['id'], self.key()['id'])
        self.assertEqual({name: n for name, n in of_key['references'].items() if n},
                         {'branch_keys': 1, 'index_keys': 1, 'rows_below': self.rows})
        shown = self.bulla('key', 'census', 'local').text
        for text in ('branch people', line['version'], 'alias/default ' + self.key()['current_material'], 'index:Person/email'):
            self.assertIn(text, shown)
        self.assertEqual(self.census('--branch', 'people')['references']['rows'], self.rows)
        self.fails('not_found', 'key', 'census', '--branch', 'nobody')
        self.fails('not_found', 'key', 'census', 'local/nothing')
        self.fails('usage', 'key', 'census', 'local', '--branch', 'people')

    def test_versions_and_unknown_ones(self):
        self.people(model=DIRECT, steps=('apply', 'verify', 'finish'))
        old = self.key()['current_material']
        self.bulla('key', 'rotate', 'local')
        new = self.key()['current_material']
        self.sql("UPDATE people SET encrypted_kms_key = CAST(substr(encrypted_kms_key, 1, 35) || x'%s' || "
                 "substr(encrypted_kms_key, 44) AS BLOB) WHERE id <= 7" % new)
        self.sql("UPDATE people SET encrypted_kms_key = CAST(substr(encrypted_kms_key, 1, 34) || x'080011223344556677' || "
                 "substr(encrypted_kms_key, 44) AS BLOB) WHERE id IN (8, 9)")
        self.sql("UPDATE people SET encrypted_kms_key = CAST(substr(encrypted_kms_key, 1, 33) AS BLOB) WHERE id = 10")
        found = self.census()
        self.assertEqual({line['version']: line['rows'] for line in found['census']},
                         {old: self.rows - 10, new: 7, '0011223344556677': 2})
        self.assertEqual([line.get('key') for line in found['census']], ['alias/default', 'alias/default', None])
        self.assertEqual(found['columns'][0]['unreadable'], 1)
        refs = self.census('local')['references']
        self.assertEqual((refs['rows'], refs['unknown'], refs['unreadable']), (self.rows - 3, 2, 1))
        shown = self.bulla('key', 'census').text
        self.assertIn('unknown (branch)', shown)
        self.assertIn('cannot be read', shown)

    def test_several_wraps_count_under_each(self):
        self.second_key()
        self.people(model=DIRECT, keys=BOTH)
        found = self.census()
        self.assertEqual({line['key']: line['rows'] for line in found['census']},
                         {'alias/default': self.rows, 'file:second.key': self.rows})
        self.assertEqual(found['columns'][0]['rows'], self.rows)
        self.assertEqual(self.census('file:second.key')['references']['rows'], self.rows)
        status = self.status()
        self.assertEqual(sorted((key['kind'], key['rows']) for key in status['keys']), [('engine', self.rows), ('keyfile', self.rows)])

    def test_branches_under_branches(self):
        self.people(model=TENANTS)
        found = self.census('local')
        cities = {'city:city %d' % i: len([p for p in range(1, self.rows + 1) if p % 9 == i]) for i in range(9)}
        self.assertEqual({line['branch']: line['rows'] for line in found['census']}, cities)
        refs = found['references']
        self.assertEqual((refs['rows'], refs['branch_keys'], refs['keys_below'], refs['rows_below']), (0, 1, 9, self.rows))
        self.assertIn('branch cities', self.bulla('key', 'census').text)
        few = self.census('--limit', '4')
        self.assertEqual((len(few['census']), few['census_omitted'], len(few['branches']), few['branches_omitted']), (4, 5, 4, 6))
        self.assertEqual(few['references'], self.census('--limit', '0')['references'])

    def test_what_cannot_be_counted_is_not_zero(self):
        self.people()
        self.write('bulla.yaml', self.read('bulla.yaml').decode() + '  ghosts:\n    context: { model_id: "{id}" }\n    fields: { a: {} }\n')
        run = self.fails('not_found', 'key', 'census')
        self.assertIn('ghosts', run.words)
        self.assertIn('ghosts', self.fails('not_found', 'key', 'delete', 'local').words)
        self.assertEqual(self.census('--model', 'people')['references']['rows'], self.rows)
        # an emergency is not stopped by it
        run = self.bulla('key', 'disable', 'local', '--json')
        self.assertIsNone(run.json()['references'])
        self.assertEqual(run.json()['key']['state'], 'disabled')

    def test_a_table_that_was_renamed_is_counted(self):
        self.people(model=DIRECT, steps=('apply', 'verify', 'finish'))
        schema = self.sql("SELECT sql FROM sqlite_schema WHERE name = 'people'")[0][0]
        self.sql('ALTER TABLE people RENAME TO people_2025', schema, 'ALTER TABLE people_2025 RENAME COLUMN encrypted_kms_key TO their_key')
        for index in ((), ('--index',)):  # an index for the new table does not cost the old one its own
            found = self.census('local', *index)
            self.assertEqual([(c['model'], c['table'], c['column'], c['rows']) for c in found['columns']],
                             [('people', 'people', 'encrypted_kms_key', 0), (None, 'people_2025', 'their_key', self.rows)])
            self.assertEqual((found['references']['rows'], found['references']['unknown']), (self.rows, 0))
        self.assertIn('people_2025.their_key holds keys, and no model', self.bulla('key', 'census').words)
        run = self.fails('refused', 'key', 'delete', 'local')
        self.assertIn('people_2025.their_key has %d rows' % self.rows, run.words)
        self.assertIn('as if one had been renamed', run.next)
        self.assertEqual(len(self.census('--model', 'people')['columns']), 1)

    def test_a_model_that_was_taken_out_is_counted(self):
        self.people(model=DIRECT, steps=('apply', 'verify', 'finish'))
        text = self.read('bulla.yaml').decode().replace('databases:', 'databases:\n  gone: { url: "sqlite:gone.db" }')
        self.write('bulla.yaml', text[:text.index('models:')])
        self.assertEqual([(c['model'], c['table'], c['rows']) for c in self.census('local')['columns']], [(None, 'people', self.rows)])
        self.assertIn('people.encrypted_kms_key has', self.fails('refused', 'key', 'delete', 'local').words)
        os.chmod(self.database, 0)
        if not os.access(self.database, os.R_OK):
            self.fails('permission', 'key', 'census')

    def test_a_column_that_was_renamed_is_no_zero(self):
        self.people(model=DIRECT, steps=('apply', 'verify', 'finish'))
        self.sql('ALTER TABLE people RENAME COLUMN encrypted_kms_key TO their_key')
        run = self.fails('corrupt', 'key', 'census')
        self.assertIn('no column encrypted_kms_key', run.words)
        self.fails('corrupt', 'key', 'delete', 'local')
        self.assertEqual(self.events('KeyCensus')[-1]['outcome'], 'corrupt')
        self.sql('ALTER TABLE people RENAME COLUMN their_key TO encrypted_kms_key')
        self.assertEqual(self.census('local')['references']['rows'], self.rows)

    def test_without_an_index(self):
        self.people(steps=('apply', 'verify', 'finish'))
        before = self.census()
        self.sql('DROP INDEX "bulla_census.people.encrypted_kms_key"')
        slow = self.census()
        self.assertFalse(slow['columns'][0].pop('indexed'))
        self.assertTrue(before['columns'][0].pop('indexed'))
        self.assertEqual(slow, before)
        self.assertIn('--index', self.bulla('key', 'census').words)
        self.assertTrue(self.census('--index')['columns'][0]['indexed'])
        self.same_values()


class Gate(Retire):
    def fresh(self):
        for name in os.listdir(self.dir):
            path = self.path(name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def new_key(self):
        self.bulla('key', 'create', 'new')
        self.configure(MOVED)

    def refused_for_now(self):
        """The wait after closing is twice max_age: made long for this, so that a slow machine does not outlast it."""
        text = self.read('bulla.yaml').decode()
        self.write('bulla.yaml', text.replace('max_age: 200ms', 'max_age: 300s'))
        self.refused('until')
        self.write('bulla.yaml', text)

    def refused(self, *texts, key='local'):
        run = self.fails('refused', 'key', 'delete', key)
        for text in texts:
            self.assertIn(text, run.words)
        return run

    def test_a_key_that_is_used_is_not_deleted(self):
        self.people(model=DIRECT)
        before = self.key()
        self.refused('people.encrypted_kms_key has %d rows of version %s' % (self.rows, before['current_material']), 'index:Person/email')
        self.assertEqual(self.key(), before)
        self.assertEqual([event['outcome'] for event in self.events('KeyCensus')], ['refused'])
        self.fails('usage', 'key', 'delete', 'local', '--force')
        self.fails('usage', 'key', 'delete', 'local', '--force', '--confirm', 'local')
        self.fails('usage', 'key', 'delete', 'local', '--confirm', before['id'])
        self.fails('usage', 'key', 'delete', 'local', '--days', '6')
        self.assertEqual(self.key(), before)
        self.same_values()

    def retire(self, model):
        self.people(model=model, steps=('apply', 'verify', 'finish'))
        self.new_key()
        closed = self.bulla('key', 'close', 'local', '--json').json()
        self.assertEqual((closed['key']['state'], closed['left']), ('closing', 0))
        self.assertGreater(closed['moved'], 0)
        self.same_values()
        self.bulla('rotate')
        refs = self.census('local')['references']
        self.assertEqual([n for n in refs.values() if n], [])
        self.refused_for_now()
        time.sleep(SECONDS)
        done = self.bulla('key', 'delete', 'local', '--days', '7', '--json').json()
        self.assertEqual((done['step'], done['key']['state']), ('scheduled', 'pending deletion'))
        self.assertEqual(done['not_before'], done['key']['deletion'])
        self.refused('until ' + done['not_before'])
        self.same_values()
        self.bulla('search', 'people', 'email', self.expected[0][2][1].decode())
        self.sql("UPDATE people SET city = 'elsewhere' WHERE id = 1")

    def test_records_wrapped_by_the_key_itself(self):
        self.retire(DIRECT)
        box = self.bulla('encrypt', stdin=b'Kq-token').stdout
        self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-token')
        self.configure(ONE)
        self.fails('key_pending', 'encrypt', stdin=b'Kq-token')
        self.bulla('key', 'enable', 'local')
        self.assertEqual(self.key()['state'], 'enabled')
        self.bulla('encrypt', stdin=b'Kq-token')

    def test_a_branch_key(self):
        self.retire(PEOPLE_MODEL)

    def test_a_shared_data_key(self):
        self.retire(SHARED)

    def test_the_end_of_the_waiting_period(self):
        """All the way, with the clock turned on: refused until the end, and while anything refers to it; then the material is gone."""
        self.people(model=DIRECT, steps=('apply', 'verify', 'finish'))
        key = self.key()
        kept = self.sql('SELECT encrypted_kms_key FROM people WHERE id = 7')[0][0]
        box = self.bulla('encrypt', stdin=b'Kq-token').stdout
        self.bulla('kms', 'backup', 'before.db')
        self.new_key()
        self.bulla('key', 'close', 'local')
        self.bulla('rotate')
        time.sleep(SECONDS)
        self.bulla('key', 'delete', 'local', '--days', '7')
        moved = self.sql('SELECT encrypted_kms_key FROM people WHERE id = 7')[0][0]
        later = self.ahead(days=7, minutes=5)
        run = self.fails('refused', 'key', 'delete', 'local', env=self.ahead(days=6, hours=23))
        self.assertIn('waits for its deletion, until', run.words)
        # still named, then still referred to: in a row that no index shows
        self.assertIn('still names the key', self.fails('refused', 'key', 'delete', 'local', env=later).words)
        self.configure('keys: [local/new]')
        self.sql('DROP INDEX "bulla_census.people.encrypted_kms_key"',
                 ('UPDATE people SET encrypted_kms_key = ? WHERE id = 7', (kept,)))
        run = self.fails('refused', 'key', 'delete', 'local', env=later)
        self.assertIn('people.encrypted_kms_key has 1 row of version ' + key['current_material'], run.words)
        self.sql(('UPDATE people SET encrypted_kms_key = ? WHERE id = 7', (moved,)))
        done = self.bulla('key', 'delete', 'local', '--json', env=later).json()
        self.assertEqual((done['step'], done['id']), ('deleted', key['id']))
        self.assertEqual([key['aliases'] for key in self.bulla('key', 'list', '--json').json()['keys']], ['alias/new'])
        self.same_values()
        self.bulla('verify')
        # nothing brings it back, and whatever still needs it says why
        self.fails('not_found', 'key', 'enable', 'local', env=later)
        for verb in ['enable'], ['delete'], ['census'], ['rotate']:
            run = self.fails('key_destroyed', 'key', *verb, key['id'], env=later)
            self.assertIn('backup of the key store', run.next)
        self.fails('key_destroyed', 'decrypt', stdin=box, env=later)
        self.sql(('UPDATE people SET encrypted_kms_key = ? WHERE id = 7', (kept,)))
        self.fails('key_destroyed', 'get', 'people', '7', env=later)
        self.bulla('get', 'people', '8', env=later)
        self.assertEqual(self.bulla('verify', '--json', status=3, env=later).model()['quarantined'], 1)
        self.assertEqual(self.sql('SELECT pk, reason FROM bulla_quarantine'), [('[7]', 'key_destroyed')])
        run = self.bulla('key', 'census', env=later)
        self.assertIn('1 row hangs from keys that this key store does not have: they were destroyed', run.words)
        self.assertRegex(run.text, r'unknown \(engine\) +%s +- +1\n' % key['current_material'])
        self.assertEqual([event['outcome'] for event in self.events('DeleteKey')], ['ok'])
        self.assertTrue(self.bulla('audit', 'verify', '--json', env=later).json()['verified'])
        self.sql(('UPDATE people SET encrypted_kms_key = ? WHERE id = 7', (moved,)))
        self.assertEqual(self.bulla('apply', 'people', '--retry', '--json', env=later).model()['quarantined'], 0)
        self.same_values()

    def test_superseded_shared_data_keys_follow(self):
        """No row needs an earlier data key of the table; it must not keep the KMS key alive under which it lies in the store."""
        for kinds in ([], ['--to']), (['--to'], ['--data']):
            with self.subTest(kinds=kinds):
                self.fresh()
                self.people(model=SHARED, steps=('apply', 'verify', 'finish'))
                self.bulla('rotate', '--data')
                self.bulla('rotate', '--data')
                self.assertEqual(self.census('local')['references']['shared_keys'], 3)
                self.new_key()
                for kind in kinds:
                    self.bulla('rotate', *kind, *(['local/new'] if kind == ['--to'] else []))
                refs = self.census('local')['references']
                self.assertEqual([n for n in refs.values() if n], [])
                self.assertEqual(self.census('local/new')['references']['shared_keys'], 4 if ['--data'] in kinds else 3)
                self.bulla('key', 'close', 'local')
                time.sleep(SECONDS)
                self.bulla('key', 'delete', 'local')
                self.same_values()

    def test_a_closed_key_and_the_rotation_of_a_shared_data_key(self):
        """Closed and still named: nothing is rotated, nothing is lost. Closed and replaced: every kind goes over."""
        self.people(model=SHARED, steps=('apply', 'verify', 'finish'))
        self.bulla('key', 'close', 'local')
        before = self.sql('SELECT * FROM people ORDER BY id')
        for kind in '--wrap', '--data':
            self.fails('key_closing', 'rotate', 'people', kind)
            self.assertEqual(self.sql('SELECT * FROM people ORDER BY id'), before)
            self.same_values()
            self.bulla('key', 'enable', 'local')
            self.bulla('rotate', 'people', kind)
            self.bulla('key', 'close', 'local')
            before = self.sql('SELECT * FROM people ORDER BY id')
        self.new_key()
        for kind in '--wrap', '--data':
            self.assertEqual(self.bulla('rotate', 'people', kind, '--json').model()['left'], 0)
            self.same_values()
        self.assertEqual([n for n in self.census('local')['references'].values() if n], [])
        self.assertEqual(len(self.versions()), 1)
        self.bulla('verify')

    def test_what_comes_back_in_the_waiting_period_is_found(self):
        self.people(model=DIRECT, steps=('apply', 'verify', 'finish'))
        kept = self.sql('SELECT encrypted_kms_key FROM people WHERE id = 7')[0][0]
        self.new_key()
        self.bulla('key', 'close', 'local')
        self.bulla('rotate')
        time.sleep(SECONDS)
        self.sql(('UPDATE people SET encrypted_kms_key = ? WHERE id = 7', (kept,)))  # by somebody who had read it long ago
        self.refused('people.encrypted_kms_key has 1 row of version')
        self.bulla('rotate', 'people', '--catch-up')
        self.bulla('key', 'delete', 'local')
        self.sql(('UPDATE people SET encrypted_kms_key = ? WHERE id = 7', (kept,)))
        self.assertEqual(self.census('local')['references']['rows'], 1)
        self.bulla('key', 'enable', 'local')
        self.same_values()

    def test_another_environment_of_the_store(self):
        """The store is one, whoever opens it: what another environment names is in use, and for as long as it says."""
        self.people(model=DIRECT, steps=('apply',))
        self.new_key()
        text = self.read('bulla.yaml').decode()
        other = '  production: { keys: [local], cache: { max_age: 1h } }\n'
        self.write('bulla.yaml', text.replace('databases:', other + 'databases:'))
        self.bulla('rotate')
        self.refused('in environment production')
        warned = self.bulla('key', 'close', 'local').words
        self.assertIn('environment production names the key', warned)
        early = self.refused('may still hold')
        self.assertGreater(early.next[early.next.index('from '):], 'from ' + time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 7000)))
        self.write('bulla.yaml', text.replace('databases:', other.replace('{ keys', '{ store: "sqlite:other/kms.db", keys') + 'databases:'))
        time.sleep(SECONDS)
        self.bulla('key', 'delete', 'local')

    def test_force_is_on_record_and_can_be_taken_back(self):
        self.people(model=DIRECT)
        key = self.key()
        run = self.bulla('key', 'delete', 'local', '--force', '--confirm', key['id'], '--days', '7')
        self.assertIn('%d rows' % self.rows, run.words)
        self.assertEqual(self.key()['state'], 'pending deletion')
        event, = self.events('RetirementForced')
        self.assertIn('has %d rows' % self.rows, event['detail'])
        self.fails('refused', 'key', 'delete', 'local', '--force', '--confirm', key['arn'])  # the waiting period stays
        self.fails('key_pending', 'export', 'people')
        self.bulla('key', 'enable', 'local')
        self.same_values()

    def test_closing_warns_where_nothing_else_wraps(self):
        self.people(model=DIRECT)
        box = self.bulla('encrypt', stdin=b'Kq-token').stdout
        run = self.bulla('key', 'close', 'local')
        self.assertIn('bulla.yaml names the key among those that wrap', run.words)
        self.fails('key_closing', 'encrypt', stdin=b'Kq-token')
        self.fails('key_closing', 'key', 'rotate', 'local')
        self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-token')
        self.same_values()
        self.bulla('key', 'enable', 'local')
        self.bulla('encrypt', stdin=b'Kq-token')

    def test_a_running_process_honours_it(self):
        self.people(model=DIRECT)
        follower = self.start('apply', 'people', '--follow')
        self.sql("UPDATE people SET note = 'Kq00007z before' WHERE id = 7")
        sealed = 'SELECT count(*) FROM people WHERE id = 7 AND note_ciphertext IS NOT NULL'
        self.assertTrue(wait_until(lambda: self.sql(sealed)[0][0] == 1))
        self.bulla('key', 'close', 'local')
        self.sql("UPDATE people SET note = 'Kq00007z after' WHERE id = 7")
        run = self.wait(follower, status=1)
        self.assertEqual(run.code(), 'key_closing')
        self.assertEqual(self.sql(sealed), [(0,)])
        self.assertEqual(self.sql('SELECT note FROM people WHERE id = 7'), [('Kq00007z after',)])  # plaintext is the truth
        self.bulla('key', 'enable', 'local')
        self.climb('apply', 'verify')

    def test_killed_while_branch_keys_move(self):
        self.people(model=TENANTS.replace(', under: cities', ''), steps=('apply', 'verify', 'finish'))
        self.new_key()
        for delay in (0.0, 0.01, 0.02, 0.05, 0.1):
            child = self.start('key', 'close', 'local')
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
            child.wait()
            self.same_values()
        self.bulla('key', 'close', 'local')
        self.assertEqual([n for n in self.census('local')['references'].values() if n], [])
        self.same_values()

    def test_a_closed_branch_takes_no_new_records(self):
        self.people(model=TENANTS)
        closed = self.bulla('key', 'close', '--branch', 'city:city 7', '--json').json()
        self.assertEqual((closed['state'], closed['versions']), ('closing', 1))
        again = self.bulla('key', 'close', '--branch', 'city:city 7', '--json').json()
        self.assertEqual(again['closed'], closed['closed'])
        line, = self.census('--branch', 'city:city 7')['census']
        self.assertEqual((line['state'], line['rows']), ('closing', len([p for p in range(1, self.rows + 1) if p % 9 == 7])))
        self.same_values()
        self.sql("UPDATE people SET note = 'Kq00007z again' WHERE id = 7", "UPDATE people SET note = 'Kq00008z again' WHERE id = 8")
        done = self.bulla('apply', '--json', status=3).model()
        self.assertEqual((done['sealed'], done['closing'], done['unsealed']), (1, 1, 1))
        sealed = dict(self.sql('SELECT id, note_ciphertext IS NOT NULL FROM people WHERE id IN (7, 8)'))
        self.assertEqual(sealed, {7: 0, 8: 1})
        self.bulla('key', 'enable', '--branch', 'city:city 7')
        self.climb('apply', 'verify')
        self.assertEqual([event['key'] for event in self.events('BranchClosing')], ['city:city 7'])
        self.fails('not_found', 'key', 'close', '--branch', 'city:nowhere')
        self.fails('usage', 'key', 'close')
        self.fails('usage', 'key', 'enable', 'local', '--branch', 'cities')

    def test_keys_of_whole_tables_are_not_closed(self):
        self.people(model=SHARED)
        for name in ('index:Person/email', 'data:Person/'):
            run = self.fails('refused', 'key', 'close', '--branch', name)
            self.assertIn('bulla rotate', run.next)

    def test_disable_says_what_stops(self):
        self.people()
        run = self.bulla('key', 'disable', 'local')
        self.assertIn('index:Person/email', run.words)
        self.assertIn('%d rows below' % self.rows, run.words)
        refs = self.bulla('key', 'disable', 'local', '--json').json()['references']
        self.assertEqual((refs['branch_keys'], refs['index_keys'], refs['rows_below']), (1, 1, self.rows))


if __name__ == '__main__':
    harness.main()
