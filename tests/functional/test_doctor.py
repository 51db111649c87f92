"""doctor: each fault is planted in an installation that is well, found under its name with a cure, mended, and gone."""
import os
import shutil
import sqlite3
import time

import harness

MACHINE = {'memory_limit', 'memory_unlocked', 'memory_dumped', 'memory_fallback', 'swap', 'core_handler', 'core_files', 'suid_dumpable',
           'ptrace', 'space_temporary', 'space_store', 'space_database'}
CONFIG = '''version: 1
environments:
  development: {{ key: local, audit: {{ witness: ["file:witness"] }} }}
  production: {{ keys: [local, "insecure-test-key"], insecure: true, previous: [local/old] }}
databases:
  main: {{ url: "sqlite:app.db" }}
models:
{models}'''


class Doctor(harness.People):
    rows = 30

    def setUp(self):
        super().setUp()
        harness.make_people(self.database, self.rows)
        self.hide(*harness.people_secrets(self.rows))
        self.model(harness.PEOPLE_MODEL, CONFIG)
        self.bulla('apply', '--quiet')
        os.rename(self.path('.bulla', 'escrow.key'), self.path('escrow.away'))
        os.chmod(self.database, 0o600)
        self.backup()

    def backup(self):
        self.bulla('kms', 'backup', 'backup%d.db' % time.monotonic_ns())

    def look(self, *args):
        """Findings by id, but for those of the machine that the test runs on."""
        run = self.bulla('doctor', '--json', *args, status=(0, 3))
        found = run.json()['findings']
        serious = [f for f in found if f['severity'] != 'note']
        self.assertEqual(run.status, 3 if serious else 0)
        for f in found:
            self.assertTrue(f['text'] and f['cure'], f)
            self.assertIn(f['severity'], ('note', 'warning', 'error'))
        return {f['id']: f for f in found if f['id'] not in MACHINE}

    def well(self, *args):
        self.assertEqual(self.look(*args), {})

    def finds(self, *ids, severity=None, args=()):
        found = self.look(*args)
        self.assertEqual(set(found), set(ids))
        if severity:
            self.assertEqual({f['severity'] for f in found.values()}, {severity})
        return found[ids[0]]

    def mode(self, name, bad, good, *ids):
        os.chmod(self.path(*name.split('/')), bad)
        cure = self.finds(*ids)['cure']
        os.chmod(self.path(*name.split('/')), good)
        self.well()
        return cure

    # --- bulla.yaml and the environment ---
    def test_an_installation_that_is_well(self):
        self.well()
        run = self.bulla('doctor', status=(0, 3))
        self.assertIn('bulla.yaml: well', run.text)
        self.assertIn('triggers that guard sealed rows: well', run.text)
        checks = self.bulla('doctor', '--json', status=(0, 3)).json()['checks']
        self.assertEqual([c['id'] for c in checks if not c['done']], ['keys', 'debt'])
        with self.unchanged('app.db', 'bulla.yaml', '.bulla/root.key', '.bulla/audit/journal'):
            self.bulla('doctor', status=(0, 3))

    def test_no_configuration(self):
        with open(self.path('bulla.yaml'), 'a', encoding='utf-8') as file:
            file.write('nonsense: 1\n')
        self.assertRegex(self.finds('configuration')['text'], r'nonsense')
        self.assertEqual(self.finds('configuration', args=('--env', 'nowhere'))['severity'], 'error')
        os.unlink(self.path('bulla.yaml'))
        self.assertIn('bulla init', self.finds('configuration')['cure'])

    def test_configuration_that_others_may_change(self):
        self.assertIn('chmod go-w', self.mode('bulla.yaml', 0o666, 0o644, 'config_writable'))

    def test_a_password_for_all_to_read(self):
        config = self.read('bulla.yaml').decode()
        self.write('bulla.yaml', config.replace('databases:\n', 'databases:\n  other: { url: "mysql://me:Kq-secret@host/x" }\n'))
        self.hide('Kq-secret')
        self.mode('bulla.yaml', 0o644, 0o600, 'config_password')

    def test_an_insecure_environment(self):
        self.bulla('key', 'create', 'old')
        self.backup()
        found = self.look('--env', 'production')
        self.assertEqual(set(found), {'insecure', 'host_holds_root', 'no_witness'})
        self.assertEqual(found['insecure']['severity'], 'error')
        self.assertEqual(found['host_holds_root']['severity'], 'note')

    # --- the key store ---
    def test_modes(self):
        self.mode('.bulla', 0o777, 0o700, 'mode')
        self.mode('.bulla/audit', 0o755, 0o700, 'mode')
        self.assertIn('chmod 0600', self.mode('.bulla/kms.db', 0o644, 0o600, 'mode', 'store_permission'))
        self.mode('.bulla/root.key', 0o640, 0o600, 'mode', 'root_key')

    def test_a_store_that_is_gone(self):
        os.rename(self.path('.bulla', 'kms.db'), self.path('kms.away'))
        self.assertIn('kms restore', self.finds('store_missing')['cure'])
        os.rename(self.path('kms.away'), self.path('.bulla', 'kms.db'))
        self.well()

    def test_the_wrong_root_key(self):
        shutil.copy(self.path('.bulla', 'root.key'), self.path('root.away'))
        key = harness.key_bytes(self.read('.bulla', 'root.key'))[0]
        self.write('.bulla/root.key', self.read('.bulla', 'root.key').decode().replace(key.hex(), 'ab' * 32))
        self.finds('root_key', severity='error')
        self.write('.bulla/root.key', 'nothing like a key')
        self.finds('root_key', severity='error')
        os.unlink(self.path('.bulla', 'root.key'))
        self.finds('root_key', severity='error')
        os.replace(self.path('root.away'), self.path('.bulla', 'root.key'))
        self.well()

    def test_an_old_log_put_back(self):
        shutil.copytree(self.path('.bulla', 'audit'), self.path('old'))
        self.bulla('encrypt', stdin=b'x')
        shutil.rmtree(self.path('.bulla', 'audit'))
        shutil.move(self.path('old'), self.path('.bulla', 'audit'))
        self.assertIn('audit', self.finds('heads')['cure'])
        self.bulla('audit', 'adopt', '--reason', 'a test')
        self.assertEqual(set(self.look()) - {'witness'}, set())

    def test_escrow_and_keys_of_the_past(self):
        shutil.copy(self.path('escrow.away'), self.path('.bulla', 'escrow.key'))
        os.chmod(self.path('.bulla', 'escrow.key'), 0o600)
        self.finds('escrow')
        os.unlink(self.path('.bulla', 'escrow.key'))
        self.well()
        self.bulla('kms', 'rekey')
        self.assertIn('retired_key', self.look())
        for name in os.listdir(self.path('.bulla')):
            if 'retired' in name or name == 'escrow.key':
                os.unlink(self.path('.bulla', name))
        self.well()

    def test_witnesses(self):
        saved = self.read('witness')
        self.write('witness', 'not a checkpoint\n')
        self.assertEqual(self.finds('witness', severity='error')['cure'], 'bulla audit verify')
        os.unlink(self.path('witness'))
        os.mkdir(self.path('witness'))
        self.finds('witness_unreachable')
        os.rmdir(self.path('witness'))
        self.write('witness', saved.decode())
        self.well()

    def test_backups(self):
        self.bulla('key', 'rotate', 'alias/default')
        text = self.finds('backup_old')['text']
        self.assertIn('1 KMS keys', text)
        self.assertIn('data first', self.finds('backup_old')['cure'])
        self.backup()
        self.well()
        self.store("DELETE FROM bulla_note WHERE name = 'backed_up'")
        self.finds('backup_none')

    def test_branch_keys_that_no_backup_has(self):
        self.write('bulla.yaml', CONFIG.format(models=harness.PEOPLE_MODEL.replace('name: people', 'name: other')))
        self.sql("INSERT INTO people (id, name, city) VALUES (999, 'Kq one more', '')")
        self.bulla('apply', '--quiet')
        self.assertRegex(self.finds('backup_old')['text'], '0 KMS keys .* [12] branch keys')

    def test_each_key(self):
        self.well('--kms')
        before = len(self.bulla('audit', 'lookup', '--context', 'purpose=bulla doctor', '--json').lines())
        self.bulla('doctor', '--kms', status=(0, 3))
        events = self.bulla('audit', 'lookup', '--context', 'purpose=bulla doctor', '--json').lines()
        self.assertEqual([e['eventName'] for e in events[before:]], ['Encrypt', 'Decrypt'])
        self.bulla('key', 'disable', 'alias/default')
        self.finds('key_seals_not', severity='error', args=('--kms',))
        self.bulla('key', 'enable', 'alias/default')
        self.well('--kms')

    def test_keys_that_only_seal_or_only_open(self):
        self.bulla('key', 'create', 'old')
        self.backup()
        usual = {'insecure', 'host_holds_root', 'no_witness'}
        self.assertEqual(set(self.look('--env', 'production', '--kms')), usual)
        self.bulla('key', 'disable', 'alias/old')
        found = self.look('--env', 'production', '--kms')
        self.assertEqual(set(found) - usual, {'key_opens_not'})
        self.assertEqual(found['key_opens_not']['subject'], 'local/old')
        self.write('bulla.yaml', 'version: 1\nenvironments: { test: { key: insecure-test-key/encrypt, insecure: true } }\n')
        self.finds('key_only_seals', 'no_witness', severity='note', args=('--env', 'test', '--kms'))

    # --- databases ---
    def test_a_database_that_is_gone(self):
        os.rename(self.database, self.path('away'))
        self.finds('database', severity='error')
        os.rename(self.path('away'), self.database)
        self.well()

    def test_who_may_read_the_database(self):
        self.mode('app.db', 0o606, 0o600, 'database_writable')
        self.mode('app.db', 0o604, 0o600, 'database_readable')

    def test_room(self):
        """A file that says it is larger than the file system."""
        size = os.path.getsize(self.database)
        here = os.statvfs(self.dir)
        os.truncate(self.database, here.f_bavail * here.f_frsize)
        run = self.bulla('doctor', '--json', status=3)
        os.truncate(self.database, size)
        self.assertIn('space_database', [f['id'] for f in run.json()['findings']])
        self.well()

    def test_rows_under_older_keys(self):
        """A rotation that was cut off after the branch had got its newer version."""
        keys = self.sql('SELECT encrypted_kms_key FROM people WHERE id < 5')
        self.bulla('rotate', 'people', '--wrap', '--quiet')
        self.backup()
        self.well('--kms')
        self.sql(*[('UPDATE people SET encrypted_kms_key = ? WHERE id = ?', (key, i + 1)) for i, (key,) in enumerate(keys)])
        found = self.finds('wrap_debt', args=('--kms',))
        self.assertIn('%d rows' % len(keys), found['text'])
        self.bulla(*found['cure'].split()[1:], '--quiet')
        self.well('--kms')

    def set_job(self, **columns):
        for name, value in columns.items():
            self.sql(('UPDATE bulla_job SET %s = ?' % name, (value,)))

    def test_jobs_that_have_ended_without_a_word(self):
        self.set_job(owner='nobody/1/2 999999 1 0123456789abcdef', heartbeat=int(time.time() * 1000) - 120000)
        self.assertIn('bulla apply people', self.finds('stale_lease')['cure'])
        self.bulla('apply', '--quiet')
        self.well()
        self.set_job(phase='applying')
        self.finds('job_unfinished')
        self.set_job(phase='dropped')
        self.finds('finish_unfinished', severity='error')
        self.set_job(phase='applied')
        self.well()

    def test_rows_that_wait(self):
        self.sql("UPDATE people SET note = 'changed' WHERE id = 3")
        self.assertIn('1 rows', self.finds('unsealed')['text'])
        self.sql("INSERT INTO bulla_quarantine VALUES ('people', '[3]', 'note', 'type', 'apply:1', 1)")
        self.finds('quarantine', 'unsealed')
        self.bulla('apply', '--quiet')
        self.well()

    def test_guards(self):
        guard = self.sql("SELECT name, sql FROM sqlite_master WHERE name = 'bulla_guard.people'")[0]
        self.sql('DROP TRIGGER "bulla_guard.people"')
        self.assertIn('missing', self.finds('guard', severity='error')['text'])
        self.sql(guard[1].replace('BEGIN SELECT CASE WHEN', 'WHEN 0 BEGIN SELECT CASE WHEN'))
        self.assertIn('changed', self.finds('guard')['text'])
        self.bulla('apply', '--quiet')
        self.well()
        field = self.sql("SELECT sql FROM sqlite_master WHERE name = 'bulla_field.people.note'")[0][0]
        self.sql(field.replace('bulla_field.people.note', 'bulla_field.people.gone'))
        self.assertIn('left over', self.finds('guard')['text'])
        self.bulla('apply', '--quiet')
        self.well()

    def test_guards_after_finish(self):
        self.climb('verify', 'finish')
        self.well()
        self.sql('DROP TRIGGER "bulla_guard_insert.people"')
        self.finds('guard')
        self.bulla('apply', '--quiet')
        self.well()
        guard = self.sql("SELECT sql FROM sqlite_master WHERE name = 'bulla_guard.people'")[0][0]
        self.sql('DROP TRIGGER "bulla_guard.people"', guard.replace('BEGIN SELECT CASE WHEN', 'WHEN 0 BEGIN SELECT CASE WHEN'))
        self.finds('guard')
        self.bulla('apply', '--quiet')
        self.well()

    def test_guards_beside_a_side_table(self):
        self.sql('CREATE TABLE aside (id INTEGER PRIMARY KEY, email TEXT UNIQUE)', "INSERT INTO aside VALUES (1, 'Kq@example.org')")
        model = '  aside:\n    branch_key: { name: aside }\n    fields:\n      email: { index: { unique: true } }\n'
        self.write('bulla.yaml', CONFIG.format(models=harness.PEOPLE_MODEL + model))
        self.bulla('apply', 'aside', '--side-table', '--quiet')
        self.backup()
        self.well()
        self.sql('DROP TRIGGER "bulla_insert.aside"')
        self.assertEqual(self.finds('guard')['subject'], 'aside')

    def test_a_model_that_has_grown(self):
        self.write('bulla.yaml', CONFIG.format(models=harness.PEOPLE_MODEL.replace('salary: {}', 'salary: {}\n      city: {}')))
        self.assertIn('columns_missing', self.look())

    def test_a_clock_that_was_turned_back(self):
        self.set_job(heartbeat=int(time.time() * 1000) + 86400000)
        self.finds('clock_behind_jobs')
        self.bulla('apply', '--quiet')
        self.well()

    def test_no_database_is_opened_for_writing(self):
        holder = sqlite3.connect(self.database, isolation_level=None)
        holder.execute('BEGIN IMMEDIATE')
        self.well()
        holder.close()


if __name__ == '__main__':
    harness.main()
