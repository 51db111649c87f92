"""Keys, the audit log, and the key store as a whole."""
import json
import os

import harness
from harness import PEOPLE_COLUMNS, snapshot


# --- keys -------------------------------------------------------------------------------------------------------------

class Keys(harness.People):
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

    def test_the_key_of_an_environment_that_names_none(self):
        self.write('bulla.yaml', 'version: 1\nenvironments:\n  development: {}\n  test: {}\n')
        self.bulla('init')
        self.bulla('key', 'create', 'other')
        box = self.bulla('encrypt', stdin=b'Kq-token', env={'KMS_KEY_ID': 'local/other', 'BULLA_ENV': 'test'}).stdout
        self.bulla('key', 'disable', 'local/other')
        self.fails('key_disabled', 'decrypt', stdin=box, env={'KMS_KEY_ID': 'local/other', 'BULLA_ENV': 'test'})
        self.assertEqual(self.bulla('decrypt', stdin=self.bulla('encrypt', stdin=b'Kq').stdout).stdout, b'Kq')
        self.bulla('encrypt', stdin=b'x', env={'BULLA_ENV': 'test'}, status=1)  # only development has a default

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

class Audit(harness.People):
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

class Kms(harness.People):
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

    def test_a_root_key_made_of_a_passphrase(self):
        self.write('bulla.yaml', 'version: 1\nenvironments:\n  development: { key: local, root_key: "passphrase:env:PASS" }\n')
        right, wrong = {'PASS': 'Kq correct horse'}, {'PASS': 'Kq battery staple'}
        self.hide(*right.values(), *wrong.values())
        self.bulla('init', env=right)
        self.assertFalse(os.path.exists(self.path('.bulla', 'root.key')))
        box = self.bulla('encrypt', stdin=b'Kq-token', env=right).stdout
        self.assertEqual(self.bulla('decrypt', stdin=box, env=right).stdout, b'Kq-token')
        self.fails('root_key', 'decrypt', stdin=box, env=wrong)
        self.bulla('decrypt', stdin=box, status=1)  # without the variable
        self.bulla('decrypt', stdin=box, env={'PASS': ''}, status=1)

    def test_apply_warns_while_the_escrow_is_here(self):
        self.people(5)
        self.assertIn('escrow', self.bulla('apply').words)
        os.unlink(self.path('.bulla', 'escrow.key'))
        self.assertNotIn('escrow', self.bulla('apply').words)


if __name__ == '__main__':
    harness.main()
