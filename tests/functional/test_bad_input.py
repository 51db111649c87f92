"""Wrong files, wrong keys, broken stores, full disks: a clear error with a code, nothing lost, nothing half-written."""
import ctypes
import os
import re
import resource
import shutil
import sqlite3
import subprocess

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, exact_rows, make_people


class Bad(harness.People):
    rows = 40


# --- bulla.yaml -------------------------------------------------------------------------------------------------------

class Config(Bad):
    def config_fails(self, text, place=None, words=''):
        self.write('bulla.yaml', text)
        with self.unchanged():
            for command in (('plan',), ('apply',), ('key', 'list'), ('encrypt',), ('status', '--json')):
                run = self.fails('config', *command)
                line = [line for line in run.words.split('\n') if line.startswith('bulla: config:')][0]
                self.assertIn('bulla.yaml', line)
                if place:
                    self.assertIn('line %d, column %d' % place, line)
                self.assertIn(words, line)

    def setUp(self):
        super().setUp()
        self.people(3)

    def test_malformed_yaml(self):
        self.config_fails('version: 1\nmodels: [\n', words='line')
        self.config_fails('version: 1\n\tmodels: {}\n', words='line 2')
        self.config_fails('version: 1\nmodels:\n  people: {fields: {name: {}}\n', words='line')
        self.config_fails('version: 1\nx: "unfinished\n', words='line')
        self.config_fails('')
        self.config_fails('- a\n- b\n')
        self.config_fails('version: 2\n', (1, 10))

    def test_not_utf8(self):
        with open(self.path('bulla.yaml'), 'wb') as file:
            file.write(b'version: 1\nmodels: { "\xff": {} }\n')
        run = self.bulla('plan', status=1)
        self.assertIn(run.code(), ('config', 'encoding'))

    def test_unknown_and_duplicate_keys(self):
        self.config_fails('version: 1\nmodels:\n  people:\n    primarykey: id\n    fields: { name: {} }\n', (4, 5), 'primary_key')
        self.config_fails('version: 1\nmodel: {}\n', (2, 1), 'models')
        self.config_fails('version: 1\nmodels:\n  people:\n    fields:\n      name: {}\n      name: {}\n', (6, 7), 'name')
        self.config_fails('version: 1\nversion: 1\n', (2, 1))
        self.config_fails('version: 1\nmodels:\n  people:\n    fields:\n      name: { index: { bit: 128 } }\n', (5, 24), 'bits')

    def test_values_that_do_not_fit(self):
        self.config_fails('version: 1\nmodels:\n  people:\n    fields:\n      name: { type: strng }\n', (5, 21), 'string')
        self.config_fails('version: 1\nmodels:\n  people:\n    fields:\n      name: { padding: -1 }\n', (5, 24))
        self.config_fails('version: 1\nmodels:\n  people:\n    fields:\n      name: { index: }\n')
        self.config_fails('version: 1\nenvironments:\n  development: { keys: [] }\n')
        self.config_fails('version: 1\nenvironments:\n  development: { key: local, cache: { max_age: 5 } }\n')

    def test_variables(self):
        self.write('bulla.yaml', harness.CONFIG.format(models=PEOPLE_MODEL).replace('sqlite:app.db', '${BULLA_TEST_URL}'))
        run = self.fails('config', 'plan')
        self.assertIn('BULLA_TEST_URL', run.words)
        self.bulla('plan', env={'BULLA_TEST_URL': 'sqlite:app.db'})
        self.hide('Kq-url-secret')
        self.bulla('plan', env={'BULLA_TEST_URL': 'Kq-url-secret'}, status=1)

    def test_unknown_names(self):
        run = self.fails('config', 'plan', '--env', 'producton')
        self.assertIn('producton', run.words)
        self.assertIn('development', run.words)
        run = self.fails('not_found', 'plan', 'peple')
        self.assertIn('people', run.words)
        self.fails('not_found', 'search', 'people', 'nme', 'x')
        self.fails('not_found', 'get', 'people', '1', 'nme')
        self.fails('not_found', 'encrypt', '--model', 'people', '--id', '1', '--field', 'nme')

    def test_two_models_for_one_table(self):
        self.config_fails(harness.CONFIG.format(models=PEOPLE_MODEL + PEOPLE_MODEL.replace('  people:',
                                                                                           '  again:\n    table: people', 1)))

    def test_a_provider_that_is_not_there(self):
        self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('key: local',
                                                                          'key: "arn:aws:kms:eu-west-1:111122223333:key/users"'))
        run = self.bulla('apply', status=1)
        self.assertNotEqual(run.code(), 'internal')
        self.assertEqual(self.columns('people'), PEOPLE_COLUMNS)
        self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('arn:aws:kms:eu-west-1:111122223333:key/users',
                                                                          'insecure-test-key'))
        self.bulla('apply', status=1)
        self.assertEqual(self.columns('people'), PEOPLE_COLUMNS)


# --- keys -------------------------------------------------------------------------------------------------------------

class KeyFiles(Bad):
    def test_a_root_key_that_others_may_read(self):
        self.people()
        for mode in (0o644, 0o640, 0o604, 0o620):
            os.chmod(self.path('.bulla', 'root.key'), mode)
            with self.unchanged():
                for command in (('apply',), ('get', 'people', '1'), ('key', 'list'), ('encrypt',)):
                    run = self.fails('permission', *command)
                self.assertIn('chmod', run.words)
        os.chmod(self.path('.bulla', 'root.key'), 0o400)
        self.bulla('apply')

    def test_a_store_that_others_may_read(self):
        self.people()
        os.chmod(self.path('.bulla', 'kms.db'), 0o644)
        self.assertIn('chmod', self.fails('permission', 'apply').words)

    def test_a_key_file_that_others_may_read(self):
        make_people(self.database, 5)
        key = os.urandom(32)
        with open(self.path('my.key'), 'wb') as file:
            file.write(key)
        os.chmod(self.path('my.key'), 0o644)
        self.hide(key, key.hex())
        self.write('bulla.yaml', harness.CONFIG.format(models=PEOPLE_MODEL).replace('key: local', 'key: "file:my.key"'))
        self.bulla('init')
        self.fails('permission', 'apply')
        self.assertEqual(self.columns('people'), PEOPLE_COLUMNS)
        os.chmod(self.path('my.key'), 0o600)
        self.bulla('apply')
        with open(self.path('my.key'), 'wb') as file:
            file.write(key[:31])
        self.bulla('apply', status=1)

    def test_the_wrong_root_key(self):
        self.people(steps=('apply',))
        os.mkdir(self.path('other'))
        self.bulla('init', cwd=self.path('other'))
        shutil.copy(self.path('.bulla', 'root.key'), self.path('right.key'))
        shutil.copy(self.path('other', '.bulla', 'root.key'), self.path('.bulla', 'root.key'))
        with self.unchanged():
            for command in (('apply',), ('get', 'people', '1'), ('key', 'list'), ('kms', 'backup', 'b'), ('kms', 'rekey'),
                            ('export', 'people', '--json')):
                run = self.fails('root_key', *command)
                self.assertTrue(run.next)
        shutil.copy(self.path('right.key'), self.path('.bulla', 'root.key'))
        self.bulla('get', 'people', '1')

    def test_a_missing_root_key(self):
        """The advice is a command that works as it stands."""
        self.people(steps=('apply',))
        os.unlink(self.path('.bulla', 'root.key'))
        run = self.fails('not_found', 'get', 'people', '1')
        self.assertIn('root key', str(run))
        command = re.search(r'install -m 600 (\S+) (\S+);', run.next)
        self.assertTrue(command, run.next)
        subprocess.run(['install', '-m', '600', *command.groups()], cwd=self.dir, check=True)
        self.assertTrue(run.next.endswith('bulla kms rekey'), run.next)
        self.bulla('kms', 'rekey')
        self.bulla('get', 'people', '1')

    def test_a_damaged_root_key_file(self):
        self.people(steps=('apply',))
        good = self.read('.bulla', 'root.key')
        for damaged in (b'', good[:20], good[:-9], b'hello\n', b'\xff' * 100, good.replace(b'1 ', b'9 ', 1)):
            with open(self.path('.bulla', 'root.key'), 'wb') as file:
                file.write(damaged)
            run = self.bulla('key', 'list', status=1)
            self.assertIn(run.code(), ('root_key', 'format', 'newer', 'version', 'encoding'), str(run))
        at = re.search(rb'[0-9a-f]{64}', good).start()
        flipped = good[:at] + (b'0' if good[at:at + 1] != b'0' else b'1') + good[at + 1:]
        with open(self.path('.bulla', 'root.key'), 'wb') as file:
            file.write(flipped)
        self.assertIn(self.bulla('key', 'list', status=1).code(), ('root_key', 'format'))

    def test_disabled_and_unknown_keys(self):
        self.people()
        self.bulla('key', 'create', 'used')
        self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('key: local', 'key: local/used'))
        self.climb('apply')
        self.bulla('key', 'disable', 'local/used')
        with self.unchanged('app.db'):
            self.fails('key_disabled', 'get', 'people', '1')
            self.fails('key_disabled', 'verify')
        self.bulla('key', 'enable', 'local/used')
        self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('key: local/used', 'key: local/unknown'))
        with self.unchanged('app.db'):
            run = self.bulla('apply', status=1)
            self.assertIn(run.code(), ('not_found', 'unknown_key'))
            run = self.bulla('encrypt', stdin=b'x', status=1)
            self.assertIn(run.code(), ('not_found', 'unknown_key'))
            for key in ('rotate', 'enable', 'disable'):
                self.fails('not_found', 'key', key, 'local/unknown')

    def test_rows_of_a_key_that_the_environment_does_not_name(self):
        self.people()
        self.bulla('key', 'create', 'old')
        good = self.read('bulla.yaml').decode()
        self.write('bulla.yaml', good.replace('key: local', 'key: local/old').replace('    branch_key: { name: people }\n', ''))
        self.climb('apply', 'verify', 'finish')
        self.write('bulla.yaml', good.replace('    branch_key: { name: people }\n', '').replace('key: local',
                                                                                                'keys: ["file:my.key"]'))
        with open(self.path('my.key'), 'wb') as file:
            file.write(os.urandom(32))
        os.chmod(self.path('my.key'), 0o600)
        with self.unchanged('app.db'):
            self.fails('unknown_key', 'get', 'people', '1')
            run = self.bulla('export', 'people', status=(1, 3))
            self.assertNotIn(b'Kq00001z', run.stdout)
        self.write('bulla.yaml', good.replace('    branch_key: { name: people }\n', '').replace(
            'key: local', 'keys: ["file:my.key"], previous: [local/old]'))
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)


# --- the key store ----------------------------------------------------------------------------------------------------

def without_root_powers():
    """root may write what is read-only: not this child."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            os._exit(99)


def limited(size):
    """Options of a run whose files cannot grow beyond `size`. SIGXFSZ stays ignored, as Python has it: the write fails."""
    return {'restore_signals': False, 'preexec_fn': lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}


class Files(Bad):
    def powerless(self):
        """Options of a run for which file modes count."""
        if os.geteuid() != 0:
            return {}
        probe = subprocess.run(['/bin/sh', '-c', 'test ! -w "$1"', 'sh', self.path('probe')], preexec_fn=without_root_powers,
                               check=False)
        if probe.returncode:
            self.skipTest('root, and capabilities cannot be dropped here')
        return {'preexec_fn': without_root_powers}

    def read_only(self, *names):
        self.write('probe', '')
        os.chmod(self.path('probe'), 0o400)
        more = self.powerless()
        for name in names:
            mode = 0o500 if os.path.isdir(self.path(name)) else 0o400
            os.chmod(self.path(name), mode)
            self.addCleanup(os.chmod, self.path(name), 0o700)
        return more


class Store(Files):
    COMMANDS = (('apply',), ('get', 'people', '1'), ('key', 'list'), ('encrypt',), ('export', 'people', '--json'))

    def store_fails(self, codes, commands=COMMANDS, **more):
        with self.unchanged('app.db', '.bulla/kms.db', '.bulla/root.key'):
            for command in commands:
                run = self.bulla(*command, status=1, **more)
                self.assertIn(run.code(), codes, str(run))
                self.assertTrue(run.next)

    def test_made_by_a_newer_release(self):
        self.people(steps=('apply',))
        self.store('UPDATE bulla_store SET version = version + 1')
        self.store_fails(('newer',))
        self.store('UPDATE bulla_store SET version = version - 1')
        self.bulla('get', 'people', '1')

    def test_no_store_of_ours(self):
        self.people()
        os.unlink(self.path('.bulla', 'kms.db'))
        self.sql('CREATE TABLE mine (x)', database=self.path('.bulla', 'kms.db'))
        os.chmod(self.path('.bulla', 'kms.db'), 0o600)
        self.store_fails(('format', 'corrupt'))
        self.bulla('init', status=1)
        self.assertEqual(self.sql('SELECT count(*) FROM mine', database=self.path('.bulla', 'kms.db')), [(0,)])

    def test_locked(self):
        self.people(steps=('apply',))
        holder = self.open(self.path('.bulla', 'kms.db'))
        holder.execute('BEGIN IMMEDIATE')
        try:
            children = [self.start(*command) for command in (('encrypt',), ('key', 'create', 'x'))]
            for child in children:
                self.assertEqual(self.wait(child, 1).code(), 'locked')
        finally:
            holder.execute('ROLLBACK')
            holder.close()
        self.bulla('get', 'people', '1')
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def test_read_only(self):
        self.people(steps=('apply',))
        more = self.read_only('.bulla/kms.db', '.bulla')
        self.store_fails(('read_only', 'permission'), **more)

    def test_corrupt(self):
        self.people(steps=('apply',))
        self.store('SELECT 1')
        good = self.read('.bulla', 'kms.db')
        for damaged in (b'garbage!' * 20 + good[160:], good[:len(good) // 2], good[:4096], b'x' * 5000,
                        good[:100] + b'\xff' * 4000 + good[4100:]):
            for name in os.listdir(self.path('.bulla')):
                if name.startswith('kms.db-'):
                    os.unlink(self.path('.bulla', name))
            with open(self.path('.bulla', 'kms.db'), 'wb') as file:
                file.write(damaged)
            for command in (('get', 'people', '1'), ('encrypt',)):
                run = self.bulla(*command, status=1)
                self.assertIn(run.code(), ('corrupt', 'format', 'root_key', 'not_found'), str(run))
                self.assertEqual(run.stdout, b'')
        with open(self.path('.bulla', 'kms.db'), 'wb') as file:
            file.write(good)
        self.bulla('get', 'people', '1')

    def test_rows_of_the_store_that_were_changed(self):
        """Whoever can write the store's file and has no root key can break it, not bend it."""
        self.people(steps=('apply', 'verify', 'finish'))
        good = self.read('.bulla', 'kms.db')
        for kind, identity, data in self.store_rows():
            for change in (bytes([data[0] ^ 1]) + data[1:], data[:-1] + bytes([data[-1] ^ 1]), data[:-1]):
                self.sql(('UPDATE bulla_kms SET data = ? WHERE kind = ? AND id = ?', (change, kind, identity)),
                         database=self.path('.bulla', 'kms.db'))
                run = self.bulla('get', 'people', '1', status=(0, 1))  # 0: a row that this command does not need
                if run.status:
                    self.assertIn(run.code(), ('corrupt', 'root_key', 'format', 'auth', 'version', 'audit', 'newer', 'not_found',
                                               'unknown_key'), str(run))
                    self.assertEqual(run.stdout, b'')
                self.sql(('UPDATE bulla_kms SET data = ? WHERE kind = ? AND id = ?', (data, kind, identity)),
                         database=self.path('.bulla', 'kms.db'))
        self.assertTrue(good)
        self.bulla('get', 'people', '1')

    def store_rows(self):
        connection = sqlite3.connect(self.path('.bulla', 'kms.db'))
        rows = connection.execute('SELECT kind, id, data FROM bulla_kms').fetchall()
        connection.close()
        return rows[:6]

    def test_a_full_disk(self):
        """No file may grow: neither the store nor its log; nothing is released, and nothing is lost."""
        self.people(steps=('apply',))
        self.store('SELECT 1')
        for command in (('encrypt',), ('key', 'create', 'x'), ('kms', 'backup', 'b'), ('get', 'people', '1')):
            run = self.bulla(*command, status=1, **limited(1))
            self.assertIn(run.code(), ('full', 'io', 'audit', 'limit'), str(run))
            self.assertEqual(run.stdout, b'')
        self.assertFalse(os.path.exists(self.path('b')))
        self.bulla('get', 'people', '1')
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])


# --- the target database ----------------------------------------------------------------------------------------------

class Target(Files):
    JOBS = (('plan',), ('apply',), ('verify',), ('get', 'people', '1'), ('export', 'people', '--json'))

    def test_missing(self):
        self.people()
        os.unlink(self.database)
        for command in (*self.JOBS, ('status',)):
            self.assertIn('app.db', self.fails('not_found', *command).words)
        self.assertFalse(os.path.exists(self.database))

    def test_no_database(self):
        self.people()
        for content in (b'hello', b'x' * 10000, b'SQLite format 3\0' + b'\xff' * 5000):
            with open(self.database, 'wb') as file:
                file.write(content)
            with self.unchanged('app.db'):
                for command in self.JOBS:
                    self.assertIn(self.bulla(*command, status=1).code(), ('format', 'corrupt'))
        os.unlink(self.database)
        os.mkdir(self.database)
        self.fails('format', 'apply')

    def test_an_empty_file(self):
        self.people()
        open(self.database, 'wb').close()
        self.fails('not_found', 'apply')

    def test_damaged_pages(self):
        self.people(2000)
        with open(self.database, 'r+b') as file:
            file.seek(8192)
            file.write(b'\xff' * 40000)
        run = self.bulla('apply', status=1)
        self.assertIn(run.code(), ('corrupt', 'database', 'io'))

    def test_read_only_target(self):
        self.people()
        more = self.read_only('app.db')
        with self.unchanged('app.db'):
            self.bulla('plan', **more)
            run = self.bulla('apply', status=1, **more)
            self.assertEqual(run.code(), 'read_only')

    def test_locked_target(self):
        self.people(steps=('apply',))
        self.sql("UPDATE people SET name = 'Kq00001z new' WHERE id = 1")
        holder = self.open()
        holder.execute('BEGIN EXCLUSIVE')
        try:
            children = [self.start(*command) for command in (('apply',), ('export', 'people'), ('finish', '--settle', '0s'))]
            for child in children:
                self.assertEqual(self.wait(child, 1).code(), 'locked')
        finally:
            holder.execute('ROLLBACK')
            holder.close()
        self.climb()

    def test_a_lock_that_goes_away_is_waited_for(self):
        self.people()
        holder = self.open()
        holder.execute('BEGIN EXCLUSIVE')
        child = self.start('apply')
        try:
            self.assertFalse(harness.wait_until(lambda: child.poll() is not None, 0.5))
        finally:
            holder.execute('ROLLBACK')
            holder.close()
        self.wait(child)

    def test_a_newer_book(self):
        """The bookkeeping of a later release is not touched."""
        self.people(steps=('apply',))
        tables = {name for name, in self.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'bulla_%'")}
        self.assertTrue({'bulla_job', 'bulla_quarantine', 'bulla_report'} <= tables, tables)
        self.sql('UPDATE bulla_job SET version = version + 1')
        with self.unchanged('app.db'):
            for command in (('apply',), ('verify',), ('finish', '--settle', '0s'), ('status',)):
                self.fails('newer', *command)

    def test_a_full_disk(self):
        """The database may not grow while it is applied to: what was done stays, the rest comes when there is room."""
        self.people(3000)
        full = limited(os.path.getsize(self.database) + 65536)
        run = self.bulla('apply', status=1, **full)
        self.assertIn(run.code(), ('full', 'io'), str(run))
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
        self.bulla('apply')
        self.climb('verify')
        run = self.bulla('finish', '--settle', '0s', status=(0, 1), **full)
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        self.bulla('finish', '--settle', '0s', status=(0, 1) if run.status == 0 else 0)
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)


if __name__ == '__main__':
    harness.main()
