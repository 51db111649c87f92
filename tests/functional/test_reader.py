"""The way out: what 200 lines of Python read from the tables and the key store is what `bulla export --json` says."""
import json
import os
import subprocess

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, make_people

READER = os.path.join(harness.ROOT, 'bindings', 'python', 'bulla_reader.py')
PYTHON = '/usr/bin/python3'  # the one that has Debian's python3-cryptography
ROW = '''INSERT INTO t VALUES
  (1, 'a', 'Kq00001 text', x'00ff10', 1, -9223372036854775808, 0.5, '12.50', '2024-02-29', '{"a": 1}', 'Kq00001 any', 'x',
   'long ' || hex(zeroblob(99))),
  (2, 'b', '', x'', 0, 9223372036854775807, -0.0, '-0', '0001-01-01', '[]', 42, '', ''),
  (3, 'a', 'Zażółć ☃ 𝄞', x'80', 1, 0, 9e999, 'NaN', 'infinity', 'null', 1.75, NULL, 'y'),
  (4, 'b', NULL, NULL, NULL, NULL, -9e999, NULL, NULL, NULL, x'0102', 'z', NULL),
  (5, 'a', 'plain', x'61', 0, 7, 1e-300, '1e10', '2024-01-01', '"s"', CAST(x'ff41' AS TEXT), 'ü', 'ß')'''
TYPES = {'text': 'string', 'raw': 'binary', 'flag': 'boolean', 'count': 'integer', 'ratio': 'float', 'price': 'decimal',
         'day': 'date', 'doc': 'json', 'mixed': 'any', 'kept': 'string', 'wide': 'string'}
MORE = {'kept': ', null: sealed', 'wide': ', padding: 64', 'doc': ', encode: base64'}
SQL = {'binary': 'BLOB', 'integer': 'INTEGER', 'boolean': 'INTEGER', 'float': 'REAL', 'any': 'ANY'}
TABLE = 'CREATE TABLE t (id INTEGER PRIMARY KEY, tenant TEXT, %s)' % ', '.join(
    '%s %s' % (name, SQL.get(kind, 'TEXT')) for name, kind in TYPES.items())


def fields():
    return '    fields:\n' + ''.join('      %s: { type: %s%s }\n' % (name, kind, MORE.get(name, '')) for name, kind in TYPES.items())


class Reader(harness.Case):
    STORE = ('--store', '.bulla/kms.db', '--root-key', '.bulla/root.key')

    def reader(self, *args, status=0):
        command = [PYTHON, READER, '--db', 'app.db', *args]
        done = subprocess.run(command, cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=harness.LONG,
                              check=False)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return [json.loads(line) for line in done.stdout.decode().split('\n') if line], done.stderr.decode()

    def compare(self, model, *args, pk='id'):
        """Every record, every field and the types in JSON."""
        expected = {tuple(record[column] for column in pk.split(',')): record for record in self.exported(model)}
        records, _ = self.reader(*args, '--pk', pk)
        self.assertEqual(len(records), len(expected))
        self.assertGreater(len(records), 0)
        for record in records:
            whole = expected[tuple(record[column] for column in pk.split(','))]
            self.assertEqual(json.dumps(record), json.dumps({name: whole[name] for name in record}))
        return records

    def test_a_branch_in_the_local_store(self):
        make_people(self.database, 200)
        self.model(PEOPLE_MODEL)
        args = ('--table', 'people', '--model', 'Person', *self.STORE)
        self.climb('apply')
        self.compare('people', *args)
        self.climb('verify', 'finish')
        records = self.compare('people', *args)
        self.assertEqual(set(records[0]) | {'city'}, set(PEOPLE_COLUMNS))

    def typed(self, options, *args, model=None):
        self.sql(TABLE, ROW)
        self.model('  t:\n%s%s' % (options, fields()))
        self.climb('apply', 'verify')
        wanted = sum((['--field', '%s:%s' % pair] for pair in TYPES.items()), [])
        records = self.compare('t', '--table', 't', *(('--model', model) if model else ()), *wanted, *args)
        self.assertEqual([record['text'] for record in records], ['Kq00001 text', '', 'Zażółć ☃ 𝄞', None, 'plain'])

    def test_every_type(self):
        self.typed('    branch_key: everything\n', *self.STORE)

    def test_keys_that_the_store_wraps_itself(self):
        self.typed('    context: { model_name: Thing, model_id: "{id}" }\n', *self.STORE, model='Thing')

    def test_a_branch_of_each_tenant_under_another(self):
        self.typed('    branch_key: { name: "tenant:{tenant}", under: all }\n'
                   '    context: { model_name: t, model_id: "{id}", tenant: "{tenant}" }\n',
                   '--context', 'model_name=t', '--context', 'model_id={id}', '--context', 'tenant={tenant}', *self.STORE)

    def test_one_key_for_the_table(self):
        self.typed('    data_key: table\n    branch_key: everything\n', *self.STORE)

    def test_one_key_for_each_field(self):
        self.typed('    data_key: field\n', *self.STORE)

    def test_a_rotated_key(self):
        self.sql(TABLE, ROW)
        self.model('  t:\n    branch_key: everything\n' + fields())
        self.climb('apply')
        self.bulla('key', 'rotate', 'alias/default')
        self.sql("INSERT INTO t (id, tenant, text) VALUES (6, 'a', 'Kq00006 later')")
        self.climb('apply')
        wanted = sum((['--field', '%s:%s' % pair] for pair in TYPES.items()), [])
        self.assertEqual(len(self.compare('t', '--table', 't', *wanted, *self.STORE)), 6)

    def test_a_composite_primary_key(self):
        self.sql('CREATE TABLE t (a TEXT, b INTEGER, note TEXT, PRIMARY KEY (a, b))',
                 "INSERT INTO t VALUES ('x:y', 1, 'Kq00001'), ('x', 7, 'Kq00007')")
        self.model('  t:\n    primary_key: [a, b]\n    branch_key: everything\n    fields: { note: {} }\n')
        self.climb('apply')
        self.compare('t', '--table', 't', *self.STORE, pk='a,b')

    def test_keys_that_are_blobs(self):
        self.sql('CREATE TABLE t (id BLOB PRIMARY KEY, note TEXT)', "INSERT INTO t VALUES (x'00ff10', 'Kq00001'), (x'', 'Kq00002')")
        self.model('  t: { branch_key: everything, fields: { note: {} } }\n')
        self.climb('apply')
        args = ('--table', 't', '--pk', 'id', *self.STORE)
        records, _ = self.reader(*args)
        self.assertEqual([record['note'] for record in records], ['Kq00002', 'Kq00001'])
        self.assertEqual(records, sorted(self.exported('t'), key=lambda record: record['id']['base64']))

    def test_a_key_file(self):
        self.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)', "INSERT INTO t VALUES (1, 'Kq00001'), (2, NULL), (3, '')")
        self.write('t.key', '%s\n' % (bytes(range(32)).hex()))
        os.chmod(self.path('t.key'), 0o600)
        self.model('  t: { fields: { note: {} } }\n', harness.CONFIG.replace('key: local', 'key: "file:t.key"'))
        self.climb('apply')
        self.compare('t', '--table', 't', '--key', 't.key')
        self.write('other.key', '%s\n' % (bytes(range(1, 33)).hex()))
        records, words = self.reader('--table', 't', '--pk', 'id', '--key', 'other.key', status=3)
        self.assertEqual(records, [{'id': 2, 'note': None}])
        self.assertEqual(words.count('no key opens it'), 2)

    def test_it_does_not_guess(self):
        """The wrong root key, a row that was copied, a ciphertext that was changed: said for those rows, the others are read."""
        self.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT, more TEXT)',
                 "INSERT INTO t VALUES (1, 'a', 'b'), (2, 'c', 'd'), (3, 'e', 'f')")
        self.model('  t: { branch_key: everything, fields: { note: {}, more: {} } }\n')
        self.climb('apply', 'verify', 'finish')
        args = ('--table', 't', '--pk', 'id')
        self.write('wrong.key', '%s\n' % ('5a' * 32))
        records, words = self.reader(*args, '--store', '.bulla/kms.db', '--root-key', 'wrong.key', status=3)
        self.assertEqual((records, words.count('no key opens it')), ([], 3))
        connection = self.open()
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, in triggers:
            connection.execute('DROP TRIGGER %s' % harness.quote(name))
        row = connection.execute('SELECT note_ciphertext, more_ciphertext, encrypted_kms_key FROM t WHERE id = 1').fetchone()
        connection.execute('UPDATE t SET note_ciphertext = ?, more_ciphertext = ?, encrypted_kms_key = ? WHERE id = 2', row)
        connection.execute('UPDATE t SET more_ciphertext = note_ciphertext WHERE id = 3')
        connection.close()
        records, words = self.reader(*args, *self.STORE, status=3)
        self.assertEqual(records, [{'id': 1, 'note': 'a', 'more': 'b'}])
        self.assertIn('2: no key opens it; the context differs in model_id', words)
        self.assertIn('3: changed data', words)

    def test_its_size(self):
        with open(READER, encoding='utf-8') as file:
            lines = file.readlines()
        self.assertLessEqual(len(lines), 200)
        imports = {name for line in lines if line.startswith(('import ', 'from '))
                   for name in line.replace('import ', '').replace('from ', '').split('.')[0].replace(',', ' ').split()}
        known = {'argparse', 'base64', 'cryptography', 'hashlib', 'hmac', 'json', 'math', 'pathlib', 're', 'sqlite3', 'struct', 'sys'}
        self.assertLessEqual(imports, known)


if __name__ == '__main__':
    harness.main()
