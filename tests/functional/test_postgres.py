"""A project whose key store and audit log are in PostgreSQL: the ladder, several commands at once, backup and restore, a server that is gone."""
import os
import subprocess
import sys
import time
import unittest

import harness
import postgres

CONFIG = '''version: 1
environments:
  development: {{ key: local, store: "${{STORE}}", cache: {{ max_age: 1s }}, backups: {{ retention: 30d }} }}
databases:
  main: {{ url: "sqlite:app.db" }}
models:
{models}'''
MODEL = '''  people:
    branch_key: { name: "user:{id}" }
    fields: { email: { index: { normalize: lowercase } }, name: {} }
'''
PEOPLE = 12
server = None


def setUpModule():
    global server
    if not postgres.programs():
        raise unittest.SkipTest('PostgreSQL is not installed (Debian: postgresql)')
    server = postgres.Server()


def tearDownModule():
    if server:
        server.end()


class Postgres(harness.Case):
    def setUp(self):
        super().setUp()
        self.url = server.url()
        self.hide('Kqpassword', 'kq.mail', 'Kqname')

    def environment(self, more=None):
        return super().environment({'STORE': self.url, **(more or {})})

    def make(self, *steps):
        self.sql('CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT)',
                 *[('INSERT INTO people VALUES (?, ?, ?)', (i, 'kq.mail%d@example.org' % i, 'Kqname %d' % i))
                   for i in range(1, PEOPLE + 1)])
        self.model(MODEL, CONFIG)
        self.climb(*steps)

    def shred(self, user):
        self.bulla('shred', 'people', user, status=3)
        time.sleep(1.1)  # the cache's max_age: whoever has the key has it no longer
        self.bulla('shred', 'people', user)

    def verified(self):
        return self.bulla('audit', 'verify', '--json').json()

    def test_ladder(self):
        self.make()
        self.assertEqual(len(self.exported('people')), PEOPLE)
        self.assertFalse(os.path.exists(self.path('.bulla', 'audit')))
        self.assertFalse(os.path.exists(self.path('.bulla', 'kms.db')))
        self.assertTrue(self.verified()['verified'])
        shown = self.bulla('audit', 'show', '--json').lines()
        self.assertGreater(len(shown), PEOPLE)
        self.bulla('rotate', '--wrap', 'people')
        self.shred('3')
        self.assertEqual([row['id'] for row in self.exported('people') if row['name'] is None], [3])
        self.assertTrue(self.verified()['verified'])

    def test_doctor(self):
        self.make('apply')
        found = {f['id'] for f in self.bulla('doctor', '--json', status=(0, 1, 3)).json()['findings']}
        self.assertIn('backup_none', found)
        self.assertIn('server_not_durable', found)  # ours runs without fsync
        self.assertNotIn('server_unencrypted', found)
        self.assertFalse([f for f in found if f.startswith('store')], found)
        server.stop()
        try:
            found = {f['id'] for f in self.bulla('doctor', '--json', status=(0, 1, 3)).json()['findings']}
            self.assertIn('store_unavailable', found)
        finally:
            server.start()

    def test_init_again(self):
        self.make('apply')
        self.assertIn('PostgreSQL database', self.fails('exists', 'init').words)
        self.assertEqual(len(self.bulla('key', 'list', '--json').json()['keys']), 1)

    def test_no_secret_reaches_the_server(self):
        self.make()
        log = server.log()
        for secret in (b'Kqpassword', b'kq.mail', b'Kqname'):
            self.assertNotIn(secret, log)

    def test_server_gone(self):
        self.make()
        before = int(server.psql('SELECT size FROM bulla.bulla_log_head'))
        server.stop()
        try:
            run = self.fails('unavailable', 'get', 'people', '1')
            self.assertNotIn(b'Kqname', run.stdout)
            self.fails('unavailable', 'audit', 'verify')
            self.fails('unavailable', 'init')
        finally:
            server.start()
        self.assertIn('Kqname 1', self.bulla('get', 'people', '1').text)
        self.assertTrue(self.verified()['verified'])
        self.assertGreater(int(server.psql('SELECT size FROM bulla.bulla_log_head')), before)

    def test_several_at_once(self):
        self.make()
        children = [self.start('get', 'people', str(i)) for i in range(1, 5)]
        children += [self.start('key', 'create', '--alias', 'k%d' % i) for i in range(3)]
        for child in children:
            self.wait(child)
        self.assertEqual(len(self.bulla('key', 'list', '--json').json()['keys']), 4)
        self.assertTrue(self.verified()['verified'])

    def test_killed(self):
        self.make('apply')
        for delay in (0.01, 0.03, 0.05, 0.08, 0.12):
            child = self.start('export', 'people')
            time.sleep(delay)
            child.kill()
            child.wait()
        self.assertTrue(self.verified()['verified'])
        self.bulla('verify')

    def test_export_is_read_by_others(self):
        self.make()
        for i in range(6):
            self.bulla('export', 'people')
        report = self.bulla('audit', 'export', '--out', 'log', '--json').json()
        self.assertGreaterEqual(report['files'], 4)
        origin, public = server.psql("SELECT convert_from(value, 'UTF8') FROM bulla.bulla_note WHERE name = 'log'").split()
        reader = os.path.join(harness.ROOT, 'tests', 'functional', 'tlog_reader.py')
        done = subprocess.run([sys.executable, reader, self.path('log'), public, origin], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        size = int(done.stdout.split()[0])
        self.assertEqual(str(size), server.psql('SELECT count(*) FROM bulla.bulla_log_entry'))
        kept = self.read('log', 'checkpoints').count(b'\n\n')
        self.assertEqual(str(kept), server.psql('SELECT count(*) FROM bulla.bulla_log_checkpoint'))

    def test_changed_log(self):
        self.make('apply')
        server.psql("UPDATE bulla.bulla_log_entry SET entry = overlay(entry PLACING 'X'::bytea FROM 3) WHERE index = 2")
        report = self.bulla('audit', 'verify', '--json', status=(1, 3))
        self.assertIn('"verified":false', report.text.replace(' ', ''))

    def test_backup_and_restore(self):
        self.make()
        self.bulla('kms', 'backup', 'kms.backup')
        wanted = self.exported('people')
        self.fails('exists', 'kms', 'restore', 'kms.backup')
        done = self.bulla('kms', 'restore', 'kms.backup', '--force', '--json').json()
        schema = done['replaced'].split()[1]
        self.assertEqual(server.psql('SELECT count(*) FROM %s.bulla_kms' % schema),
                         server.psql('SELECT count(*) FROM bulla.bulla_kms'))
        if done['needs_adoption']:
            self.bulla('audit', 'adopt', '--reason', 'restored')
        self.assertEqual(self.exported('people'), wanted)
        self.assertTrue(self.verified()['verified'])

    def test_restore_elsewhere(self):
        self.make()
        self.bulla('kms', 'backup', 'kms.backup')
        wanted = self.exported('people')
        self.url = server.url()
        self.fails('not_found', 'get', 'people', '1')
        done = self.bulla('kms', 'restore', 'kms.backup', '--json').json()
        self.assertIsNone(done['replaced'])
        self.assertTrue(done['needs_adoption'])
        self.bulla('audit', 'adopt', '--reason', 'another server')
        self.assertEqual(self.exported('people'), wanted)

    def test_restore_does_not_bring_back(self):
        self.make()
        self.bulla('kms', 'backup', 'kms.backup')
        self.shred('3')
        done = self.bulla('kms', 'restore', 'kms.backup', '--force', '--json').json()
        if done['needs_adoption']:
            self.bulla('audit', 'adopt', '--reason', 'restored')
        self.assertEqual([row['id'] for row in self.exported('people') if row['name'] is None], [3])

    def test_from_a_file_to_postgresql(self):
        store, self.url = self.url, 'sqlite:.bulla/kms.db'
        self.make()
        wanted = self.exported('people')
        self.bulla('kms', 'backup', 'kms.backup')
        self.url = store
        self.assertTrue(self.bulla('kms', 'restore', 'kms.backup', '--json').json()['needs_adoption'])
        self.bulla('audit', 'adopt', '--reason', 'moved to PostgreSQL')
        self.assertEqual(self.exported('people'), wanted)
        self.assertTrue(self.verified()['verified'])


if __name__ == '__main__':
    harness.main()
