"""A subject ends: closed, destroyed, cleared and proven, wherever it is killed; what it must not do it refuses; nothing else is harmed."""
import json
import os
import random
import shutil
import signal
import time

import harness

CONFIG = '''version: 1
environments:
  development: {{ key: local, cache: {{ max_age: 1s }}, backups: {{ retention: 30d }} }}
databases:
  main: {{ url: "sqlite:app.db" }}
  second: {{ url: "sqlite:second.db" }}
models:
{models}'''
MODELS = '''  users:
    branch_key: { name: "user:{id}", under: everybody }
    fields: { email: { index: { normalize: lowercase } }, name: {} }
  orders:
    database: second
    branch_key: { name: "user:{user_id}", under: everybody }
    fields: { address: {} }
  notes:
    branch_key: { name: "tenant:{tenant}" }
    fields: { body: {} }
  letters:
    fields: { body: { index: {} } }
  common:
    data_key: table
    fields: { body: {} }
'''
USERS = 30


class Shred(harness.Case):
    def make(self, *steps, config=CONFIG):
        self.sql('PRAGMA journal_mode = wal',
                 'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT)',
                 'CREATE TABLE notes (id INTEGER PRIMARY KEY, tenant TEXT, body TEXT)',
                 'CREATE TABLE letters (id INTEGER PRIMARY KEY, body TEXT)',
                 'CREATE TABLE common (id INTEGER PRIMARY KEY, body TEXT)',
                 *[('INSERT INTO users VALUES (?, ?, ?)', (i, 'kq.mail%03d@example.org' % i, 'Kqname %03d' % i))
                   for i in range(1, USERS + 1)],
                 "INSERT INTO notes SELECT id, 't' || (id % 3), 'Kqnote ' || id FROM users",
                 "INSERT INTO letters SELECT id, 'Kqletter ' || id FROM users",
                 "INSERT INTO common SELECT id, 'Kqcommon ' || id FROM users")
        self.sql('CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, address TEXT)',
                 *[('INSERT INTO orders VALUES (?, ?, ?)', (i, i % USERS + 1, 'Kqstreet %03d' % i)) for i in range(1, 91)],
                 database=self.path('second.db'))
        self.hide('kq.mail', 'Kqname', 'Kqnote', 'Kqletter', 'Kqcommon', 'Kqstreet')
        self.model(MODELS, config)
        self.climb(*steps)

    def others(self, model, *gone):
        """The records of a model but those of the subject, which `gone` names by their ids."""
        return [row for row in self.exported(model) if row['id'] not in gone]

    def empty(self, table, where, *columns, database=None):
        return self.sql('SELECT count(*) FROM %s WHERE %s AND %s' % (
            table, where, ' AND '.join('%s IS NULL' % c for c in columns)), database=database)[0][0]

    def check_ended(self, user, before):
        """The subject is gone from both databases, all others are as they were."""
        orders = [i for i in range(1, 91) if i % USERS + 1 == user]
        self.assertEqual(self.empty('users', 'id = %d' % user, 'email_ciphertext', 'name_ciphertext', 'email_bidx',
                                    'encrypted_kms_key'), 1)
        self.assertEqual(self.empty('orders', 'user_id = %d' % user, 'address_ciphertext', 'encrypted_kms_key',
                                    database=self.path('second.db')), 3)
        self.assertEqual(self.others('users', user), [row for row in before['users'] if row['id'] != user])
        self.assertEqual(self.others('orders', *orders), [row for row in before['orders'] if row['id'] not in orders])
        for model in ('notes', 'letters', 'common'):
            self.assertEqual(self.exported(model), before[model])
        checked = self.bulla('verify', '--json').json()['models']
        self.assertEqual([(m['quarantined'], m['differences']) for m in checked], [(0, 0)] * 5)
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def everything(self):
        return {model: self.exported(model) for model in ('users', 'orders', 'notes', 'letters', 'common')}

    # --- from closing to the report ---
    def test_in_two_runs(self):
        self.make(config=CONFIG.replace('1s', '3s'))
        before = self.everything()
        closing = self.bulla('shred', 'users', '3', status=3)
        self.assertIn('user:3: closed; 4 records hang from it', closing.text)
        self.assertRegex(closing.next, r'^bulla shred users 3, after 20.*Z; or bulla shred users 3 --cancel$')
        self.assertEqual(self.everything(), before)  # readable until then
        early = self.bulla('shred', 'users', '3', '--json', status=3).json()
        self.assertEqual((early['state'], early['cleared'], early['destroyed']), ('closing', 0, None))
        time.sleep(3.1)
        done = self.bulla('shred', 'users', '3')
        self.assertIn('4 records cleared', done.text)
        self.assertIn('proof: 4 of its records were asked for again, and fail with key_destroyed', done.text)
        self.assertIn('proof: 20 records beside it open as before', done.text)
        self.assertIn('the blind index of users.email in backups', done.text)
        self.check_ended(3, before)
        events = [json.loads(line) for line in self.bulla('audit', 'export').text.split('\n') if line]
        mine = [e['eventName'] for e in events if e['eventName'].startswith(('Branch', 'Record', 'Shred'))]
        self.assertEqual(mine, ['BranchClosing', 'BranchDestroyed', 'ShredProof', 'RecordShredded', 'RecordShredded'])
        self.assertEqual([e['key'] for e in events if e['eventName'].startswith('Branch')], ['user:3'] * 2)
        # what was destroyed stays so
        self.fails('key_destroyed', 'shred', 'users', '3', '--cancel')
        again = self.bulla('shred', 'users', '3', '--json').json()
        self.assertEqual((again['state'], again['rows'], again['cleared'], again['neighbours_open']), ('destroyed', 0, 4, 20))
        self.assertIn('1 row was cleared', self.bulla('status', 'users').text)

    def test_the_report(self):
        self.make()
        done = self.bulla('shred', '--branch', 'user:7', '--wait', '--json', '--neighbours', '3').json()
        self.assertEqual(done['state'], 'destroyed')
        self.assertEqual((done['rows'], done['cleared'], done['key_destroyed'], done['neighbours_open']), (4, 4, 4, 6))
        report = json.loads(self.read(done['report']))
        self.assertEqual((report['report'], report['branch'], report['branches_below']), ('bulla shred', 'user:7', 0))
        self.assertEqual([t['model'] for t in report['tables']], ['users', 'orders'])
        self.assertEqual([len(v) for v in report['versions']], [16])
        self.assertEqual(set(report['signature']), {'name', 'key', 'ed25519'})
        destroyed, gone = (time.strptime(report[name][:19], '%Y-%m-%dT%H:%M:%S') for name in ('destroyed', 'backups_gone'))
        self.assertEqual(time.mktime(gone) - time.mktime(destroyed), 30 * 86400)

    def findings(self, **env):
        found = self.bulla('doctor', '--json', status=(0, 3), **env).json()['findings']
        return {f['id']: (f['severity'], f['text'], f['cure']) for f in found if f['id'].startswith('backup_')}

    def test_what_doctor_says_of_backups(self):
        self.make()
        self.assertEqual(set(self.findings()), {'backup_none'})
        self.bulla('kms', 'backup', 'kms-first.db')
        self.assertEqual(self.findings(), {})
        self.bulla('shred', 'users', '3', '--wait')
        severity, text, cure = self.findings()['backup_shredded']
        self.assertEqual(severity, 'warning')
        self.assertRegex(text, r'the last backup of the key store \(20[^)]*\) has keys that were shredded since')
        self.assertIn('bulla kms backup FILE, then destroy', cure)
        self.bulla('kms', 'backup', 'kms-second.db')
        severity, text, _ = self.findings()['backup_shredded']
        day = time.strftime('%Y-%m-%d', time.gmtime(time.time() + 30 * 86400))
        self.assertEqual((severity, text[:16]), ('note', 'until ' + day))
        self.assertEqual(set(self.findings()), {'backup_shredded'})
        # a day later than backups are kept: none is left that brings it back, nor any other
        self.assertEqual(set(self.findings(env=self.ahead(days=31))), {'backup_expired'})
        text = self.read('bulla.yaml').decode()
        self.assertIn(', backups: { retention: 30d }', text)
        self.write('bulla.yaml', text.replace(', backups: { retention: 30d }', ''))
        severity, text, cure = self.findings(env=self.ahead(days=31))['backup_retention']
        self.assertEqual((severity, cure), ('note', 'say it in bulla.yaml: backups: { retention: 30d }'))

    def test_neighbours_on_both_sides(self):
        self.make()
        done = self.bulla('shred', 'users', str(USERS - 1), '--wait', '--json').json()
        self.assertEqual([t['neighbours_open'] for t in done['tables']], [10, 10])
        done = self.bulla('shred', 'users', str(USERS), '--wait', '--json', '--neighbours', '100').json()
        self.assertEqual([t['neighbours_open'] for t in done['tables']], [USERS - 2, 90 - 6])

    def test_the_longest_wait_of_the_store(self):
        """Another environment's processes may hold the key for longer, where it is the same store."""
        self.make(config=CONFIG.replace('databases:', '  production: {{ key: local, cache: {{ max_age: 1h }} }}\n'
                                        '  elsewhere: {{ key: local, store: "sqlite:x/kms.db", cache: {{ max_age: 9h }} }}\ndatabases:'))
        closing = self.bulla('shred', 'users', '3', '--json', status=3).json()
        moment = lambda name: time.mktime(time.strptime(closing[name][:19], '%Y-%m-%dT%H:%M:%S'))
        self.assertEqual(moment('ready') - moment('closed'), 3600)

    def test_an_index_key_of_its_own(self):
        """An index whose scope is the subject has a key for it alone: that goes too, and nobody else's."""
        self.sql('CREATE TABLE notes (id INTEGER PRIMARY KEY, tenant TEXT, body TEXT)',
                 *[('INSERT INTO notes VALUES (?, ?, ?)', (i, 't%d' % (i % 3), 'Kqnote %d' % i)) for i in range(1, 31)])
        self.hide('Kqnote')
        self.model('  notes:\n    branch_key: { name: "tenant:{tenant}" }\n    fields: { body: { index: { scope: tenant } } }\n',
                   CONFIG.replace('  second: {{ url: "sqlite:second.db" }}\n', ''))
        self.climb()
        before = self.exported('notes')
        done = self.bulla('shred', '--branch', 'tenant:t1', '--wait', '--json').json()
        self.assertEqual((done['branches_below'], done['cleared']), (1, 10))
        index, = [r for r in done['remains'] if 'blind index' in r['where']]
        self.assertIn('is destroyed too', index['where'])
        left = [b['branch'] for b in self.bulla('key', 'census', '--json').json()['branches']]
        self.assertEqual([name for name in left if name.startswith('index')], ['index:notes/body/t0', 'index:notes/body/t2'])
        self.assertEqual([r for r in self.exported('notes') if r['tenant'] != 't1'], [r for r in before if r['tenant'] != 't1'])
        checked = self.bulla('verify', '--json').json()['models'][0]
        self.assertEqual((checked['quarantined'], checked['differences']), (0, 0))
        self.bulla('rotate', 'notes', '--data')

    def test_progress_of_a_wait(self):
        self.make(config=CONFIG.replace('1s', '2s'))
        lines = self.bulla('shred', 'users', '3', '--wait', '--json').lines()
        waiting = [line['progress'] for line in lines if 'progress' in line and line['progress']['phase'] == 'waiting']
        self.assertTrue(waiting and all(p['total'] == 2 and 'rows_per_second' not in p for p in waiting), lines)

    def test_stopped_and_taken_back(self):
        self.make(config=CONFIG.replace('1s', '60s'))
        before = self.everything()
        child = self.start('shred', 'users', '3', '--wait')
        harness.wait_until(lambda: b'BranchClosing' in self.read('.bulla', 'audit', 'journal'), 30, 0.02)
        child.send_signal(signal.SIGINT)
        stopped = self.wait(child, 130)
        self.assertIn('--cancel', stopped.next)
        self.assertIn('open again', self.bulla('shred', 'users', '3', '--cancel').text)
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.bulla('shred', '--branch', 'tenant:t1', '--json', status=3).json()['rows'], 10)

    def test_rows_in_a_table_that_no_model_names(self):
        self.make()
        schema = self.sql("SELECT sql FROM sqlite_schema WHERE name = 'users'")[0][0]
        self.sql('ALTER TABLE users RENAME TO users_2025', schema)
        run = self.fails('refused', 'shred', '--branch', 'user:3', '--wait')
        self.assertIn('table users_2025 has rows that hang from this branch (1)', run.words)
        self.sql('DROP TABLE users', 'ALTER TABLE users_2025 RENAME TO users')
        self.assertEqual(self.bulla('shred', '--branch', 'user:3', '--wait', '--json').json()['cleared'], 4)

    def test_opened_again_while_another_waits(self):
        """Who waits for max_age destroys nothing that somebody else has taken back; and counts anew where it was closed again."""
        self.make(config=CONFIG.replace('1s', '3s'))
        before = self.everything()
        waiting = [self.start('shred', 'users', str(user), '--wait') for user in (3, 4)]
        harness.wait_until(lambda: self.read('.bulla', 'audit', 'journal').count(b'BranchClosing') == 2, 30, 0.02)
        self.bulla('shred', 'users', '3', '--cancel')
        self.bulla('key', 'enable', '--branch', 'user:4')
        time.sleep(1)
        closed = time.time()
        self.bulla('key', 'close', '--branch', 'user:4')
        refused = self.wait(waiting[0], 1)
        self.assertEqual(refused.code(), 'refused')
        self.assertIn('opened again meanwhile: nothing was destroyed', refused.words)
        self.assertEqual(self.everything(), before)
        self.wait(waiting[1], 0)
        self.assertGreater(time.time() - closed, 3)
        self.assertEqual(self.exported('users')[2], before['users'][2])

    def test_what_was_forgotten(self):
        """A subject that was closed and never destroyed stays readable: `doctor` says so."""
        self.make()
        self.bulla('shred', 'users', '3', status=3)
        self.bulla('shred', '--branch', 'tenant:t1', status=3)
        time.sleep(1.1)
        found = self.doctor('shred_closing')
        self.assertEqual(sorted(f['cure'] for f in found), ['bulla shred --branch %s goes on; with --cancel it is taken back' % name
                                                      for name in ('tenant:t1', 'user:3')])
        self.bulla('shred', '--branch', 'tenant:t1', '--cancel')
        self.bulla('shred', '--branch', 'user:3')
        self.assertEqual(self.doctor('shred_closing', 'shred_clearing'), [])
        self.sql("UPDATE bulla_shred SET step = 'clearing' WHERE model = 'users'")
        self.assertEqual([f['subject'] for f in self.doctor('shred_clearing')], ['users'])
        self.bulla('shred', 'users', '3')
        self.assertEqual(self.doctor('shred_closing', 'shred_clearing', 'shreds_unknown'), [])

    def doctor(self, *ids):
        return [f for f in self.bulla('doctor', '--json', status=(0, 3)).json()['findings'] if f['id'] in ids]

    # --- refused ---
    def test_refusals(self):
        self.make('apply')
        for model, word in (('users', 'finish users'), ('letters', 'finish letters')):
            run = self.fails('refused', 'shred', model, '3', *(['--erase'] if model == 'letters' else []))
            self.assertIn(word, run.next)
        self.climb('verify', 'finish')
        with self.unchanged('app.db'):
            self.assertIn('--erase', self.fails('refused', 'shred', 'letters', '3').next)
            self.assertIn('share one data key', self.fails('refused', 'shred', 'common', '3').words)
            self.assertIn('share one data key', self.fails('refused', 'shred', 'common', '3', '--erase').words)
            shared = self.fails('refused', 'shred', 'notes', '3')
            self.assertIn('10 records go with it', shared.words)
            self.assertIn('bulla shred --branch tenant:t0', shared.next)
            self.assertIn('without --erase', self.fails('refused', 'shred', 'users', '3', '--erase').next)
            self.fails('refused', 'shred', '--branch', 'index:users/email')
            self.fails('not_found', 'shred', '--branch', 'user:3000')
            self.fails('not_found', 'shred', 'letters', '3000', '--erase')
            self.fails('not_found', 'shred', 'nobody', '3')
            for args in ((), ('users',), ('users', '3', '--branch', 'user:3'), ('--branch', 'user:3', '--erase'),
                         ('users', '3', '--cancel', '--wait'), ('users', '3', '--neighbours', 'x'), ('letters', '3', '--erase', '--wait')):
                self.fails('usage', 'shred', *args)

    # --- erasing ---
    def test_erase(self):
        self.make()
        before = self.everything()
        sealed = self.sql('SELECT body_ciphertext, body_bidx, encrypted_kms_key FROM letters WHERE id = 5')[0]
        done = self.bulla('shred', 'letters', '5', '--erase', '--json').json()
        self.assertEqual((done['state'], done['cleared'], done['neighbours_open']), ('erased', 1, 10))
        self.assertIn('they open as ever', done['remains'][0]['where'])
        self.assertEqual(self.empty('letters', 'id = 5', 'body_ciphertext', 'body_bidx', 'encrypted_kms_key'), 1)
        self.assertEqual(harness.found_in_files(self.database, sealed[:2]), set())
        self.assertEqual(self.others('letters', 5), [row for row in before['letters'] if row['id'] != 5])
        self.assertEqual(json.loads(self.read(done['report']))['primary_key'], [5])

    # --- what comes back ---
    def keep_data(self):
        for name in ('app.db', 'second.db'):
            self.sql("VACUUM INTO '%s'" % self.path(name + '.backup'), database=self.path(name))

    def restore_data(self):
        for name in ('app.db', 'second.db'):
            for end in ('-wal', '-shm', ''):
                if os.path.exists(self.path(name + end)):
                    os.remove(self.path(name + end))
            shutil.copy(self.path(name + '.backup'), self.path(name))

    def test_backups_of_both(self):
        """The data of before is back, and then the key store of before: the subject stays shredded, and is no fault."""
        self.make()
        before = self.everything()
        self.keep_data()
        self.bulla('kms', 'backup', 'kms.backup')
        self.bulla('shred', 'users', '3', '--wait')
        self.restore_data()
        for restored in (False, True):
            if restored:
                run = self.bulla('kms', 'restore', 'kms.backup', '--force', '--json').json()
                self.assertEqual((run['needs_adoption'], run['destroyed_again']), (False, 1))
            checked = self.bulla('verify', 'users', '--json').model()
            self.assertEqual((checked['shredded'], checked['quarantined'], checked['equal']), (1, 0, USERS - 1))
            self.assertEqual(self.others('users'), [row for row in before['users'] if row['id'] != 3])
            self.assertEqual(self.bulla('search', 'users', 'email', 'kq.mail003@example.org').text, '')
            self.fails('key_destroyed', 'get', 'users', '3')
            self.assertEqual(self.bulla('status', 'users', '--json').model()['shredded'], {'rows': 1, 'cleared': 0})
        rotated = self.bulla('rotate', 'users', '--json').model()
        self.assertEqual((rotated['shredded'], rotated['quarantined'], rotated['left']), (1, 0, 0))
        self.assertEqual(self.bulla('shred', 'users', '3', '--json').json()['cleared'], 4)
        self.check_ended(3, before)

    def test_without_the_log(self):
        """The audit log is lost with the key store: what was shredded the databases know."""
        self.make()
        before = self.everything()
        self.bulla('kms', 'backup', 'kms.backup')
        self.bulla('shred', 'users', '3', '--wait')
        shutil.rmtree(self.path('.bulla', 'audit'))
        run = self.bulla('kms', 'restore', 'kms.backup', '--force')
        self.assertIn('1 branch key in it had been shredded since, and destroyed again', run.text)
        self.bulla('audit', 'adopt', '--reason', 'disk failure')
        self.check_ended(3, before)
        self.fails('key_destroyed', 'shred', 'users', '3', '--cancel')

    def test_a_branch_key_that_is_gone_without_a_tombstone(self):
        """Not shredded, and not of another store: the log remembers that the key was used here."""
        self.make()
        self.store("DELETE FROM bulla_branch WHERE print = 'user:3'")
        kept = self.sql('SELECT encrypted_kms_key FROM users WHERE id = 4')[0][0]
        other = kept[:35] + bytes.fromhex('0011223344556677') + kept[43:]
        self.sql(('UPDATE users SET encrypted_kms_key = ? WHERE id = 4', (other,)))
        reasons = 'SELECT pk, field, reason FROM bulla_quarantine ORDER BY pk'
        for verb in ('verify',), ('rotate', '--data'), ('apply', '--retry'):
            self.bulla(verb[0], 'users', *verb[1:], status=3)
            self.assertEqual(self.sql(reasons), [('[3]', '', 'key_destroyed'), ('[4]', '', 'wrong_key')], verb)
        self.fails('unknown_key', 'get', 'users', '3')  # to a program it is no shredded record
        self.assertEqual(self.bulla('status', 'users', '--json').model()['quarantine'], {'key_destroyed': 1, 'wrong_key': 1})
        self.bulla('undo', 'users', status=3)
        self.assertEqual({row[::2] for row in self.sql(reasons)}, {('[3]', 'key_destroyed'), ('[4]', 'wrong_key')})
        self.secrets.clear()  # what undo has opened lies beside the table, for its next run

    # --- killed ---
    def test_killed_at_any_moment(self):
        """The same command goes on, and in the end all is as if nothing had happened."""
        self.make(config=CONFIG.replace('1s', '100ms'))
        before = self.everything()
        choice = random.Random(os.environ.get('CRASH_SEED', '3'))
        for user in range(3, 9):
            for _ in range(choice.choice((1, 2, 3))):
                child = self.start('shred', 'users', str(user), '--wait')
                time.sleep(choice.uniform(0, 0.35))
                child.send_signal(signal.SIGKILL)
                child.wait()
                self.children.remove(child)
                child.said.close()
                child.words.close()
            done = self.bulla('shred', 'users', str(user), '--wait', '--json').json()
            self.assertEqual((done['cleared'], done['still_open'], done['neighbours_lost']), (4, 0, 0))
        gone = range(3, 9)
        self.assertEqual(self.others('users', *gone), [row for row in before['users'] if row['id'] not in gone])
        self.assertEqual(self.empty('users', '1', 'email_ciphertext'), 6)
        checked = self.bulla('verify', '--json').json()['models']
        self.assertEqual([m['quarantined'] for m in checked], [0] * 5)
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])


if __name__ == '__main__':
    harness.main()
