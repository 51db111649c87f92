"""docs/RUNBOOK.md, played: each trouble is made, and then its section's own commands must end it, with every value as it was."""
import glob
import os
import shutil
import sqlite3
import tempfile
import time
import unittest

import harness
import pages

CONFIG = '''version: 1
environments:
  development: { key: local }
  staging: { key: local, store: "sqlite:.staging/kms.db", root_key: "file:.staging/root.key" }
databases:
  main: { url: "sqlite:app.db" }
models:
  users:
    context: { model_name: User, model_id: "{id}" }
    branch_key: { name: users }
    fields:
      email: { index: { normalize: lowercase } }
      first_name: {}
'''
ROWS = 60
SEALED = ('email_ciphertext', 'email_bidx', 'first_name_ciphertext', 'encrypted_kms_key')
HERE = 'development: { key: local }'
ALL_OPEN = '%d open, 0 in quarantine' % ROWS
NOTHING = (0, None)
LOOKED = ((0, 3), None)  # doctor: what it finds depends on the host
SECTIONS = {heading: text for heading, text in pages.sections(pages.read('docs', 'RUNBOOK.md'))}


def person(i):
    return (i, 'Kq%05dz@example.org' % i if i % 7 != 3 else None, 'Kq%05dz Anna' % i)


class Runbook(pages.Pages):
    played = set()

    @classmethod
    def setUpClass(cls):
        cls.projects = tempfile.mkdtemp(prefix='bulla-runbook-', dir=harness.scratch())  # 'applied' and 'finished', made once
        cls.addClassCleanup(shutil.rmtree, cls.projects, True)

    def setUp(self):
        super().setUp()
        self.hide(*['Kq%05dz' % i for i in range(1, ROWS + 1)])

    def project(self, phase):
        """A project in its `phase`, with its escrow in a safe, the data backed up, and the key store after it."""
        if not os.path.isdir(os.path.join(self.projects, phase)):
            self.make(phase)
        else:
            shutil.copytree(os.path.join(self.projects, phase), self.dir, dirs_exist_ok=True)

    def make(self, phase):
        for place in ('mnt/backup', 'mnt/elsewhere', 'media/safe'):
            os.makedirs(self.path(place))
        self.write('bulla.yaml', CONFIG)
        self.sql('CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT)',
                 *[('INSERT INTO users VALUES (?, ?, ?)', person(i)) for i in range(1, ROWS + 1)])
        for line in ('bulla init', 'mv .bulla/escrow.key media/safe', 'bulla init --env staging', 'bulla apply'):
            self.shell(line)
        if phase == 'finished':
            self.shell('bulla verify && bulla finish --settle 0')
        self.shell('cp app.db mnt/backup/app.db && bulla kms backup mnt/backup/kms.db')
        shutil.copytree(self.dir, os.path.join(self.projects, phase), ignore=shutil.ignore_patterns('.bin', '.said'))

    def reader(self, heading):
        """Runs the commands of a section, some at each call: one (status, what it says) for each of them."""
        lines = iter(pages.commands(SECTIONS[heading]))
        type(self).played.add(heading)

        def run(*expected, more=None):
            said = ''
            for status, says in expected:
                line = next(lines, None)
                self.assertIsNotNone(line, '%s has fewer commands' % heading)
                said = self.shell(line, status, says, more=more)
            return said

        self.addCleanup(lambda: self.assertEqual(list(lines), [], '%s has more commands than were played' % heading))
        return run

    def all_there(self, lost=(), shredded=()):
        lines = self.bulla('export', 'users', '--json', status=3 if lost else 0).lines()
        found = [(line['id'], line['email'], line['first_name']) for line in lines]
        cleared = {i: (i, None, None) for i in shredded}
        self.assertEqual([row for row in found if cleared.get(row[0]) != row],
                         [person(i) for i in range(1, ROWS + 1) if i not in lost and i not in shredded])

    def configure(self, old, new):
        text = self.read('bulla.yaml').decode()
        self.assertIn(old, text)
        self.write('bulla.yaml', text.replace(old, new))

    # --- the key store ---
    def test_first(self):
        self.project('finished')
        run = self.reader('First')
        with self.unchanged('app.db'):
            run(LOOKED, (0, 'users: finished'), NOTHING, (0, 'verify$'))

    def test_root_key(self):
        self.project('finished')
        os.unlink(self.path('.bulla', 'root.key'))
        self.shell('bulla get users 42', 1, 'the root key file .bulla/root.key is missing')
        run = self.reader('The root key is lost')
        run(NOTHING, (0, 'Kq00042z'), (0, 'new escrow: .bulla/escrow.key'), (0, 'opened with the root key'))
        self.all_there()

    def test_root_key_and_escrow(self):
        self.project('applied')
        os.unlink(self.path('.bulla', 'root.key'))
        block, = pages.blocks(SECTIONS['The root key is lost, and the escrow with it'], 'yaml')
        line = [line for line in block.splitlines() if 'development:' in line][0]
        self.configure(HERE, line.strip())
        run = self.reader('The root key is lost, and the escrow with it')
        run((0, 'made the key store .bulla/second/kms.db'), (3, '%d in quarantine' % ROWS), (0, '%d sealed now' % ROWS),
            (0, '%d equal, 0 differ' % ROWS))
        self.climb('finish')
        self.all_there()

    def test_store_lost(self):
        self.project('finished')
        self.shell('bulla key rotate local')
        self.shell('rm .bulla/kms.db*')
        self.shell('bulla get users 42', 1, 'there is no key store at .bulla/kms.db')
        self.shell('bulla init', 1, 'audit log')
        run = self.reader('The key store is lost or damaged')
        run((0, 'restored: .bulla/kms.db'), NOTHING)
        self.shell('bulla get users 42', 1, 'bulla: audit: .*the store is older than the log')
        run((0, 'the log goes on'), (0, ALL_OPEN))
        self.all_there()

    def test_store_damaged(self):
        self.project('finished')
        with open(self.path('.bulla', 'kms.db'), 'r+b') as file:
            file.seek(4096)
            file.write(os.urandom(12288))
        self.shell('bulla get users 42', 1, 'bulla: corrupt: ')
        run = self.reader('The key store is lost or damaged')
        run((0, 'is now .bulla/kms.db.replaced-'), NOTHING, (0, 'nothing was adopted'), (0, ALL_OPEN))
        self.all_there()

    def test_store_older_than_the_data(self):
        self.project('finished')
        self.shell('bulla rotate users && bulla kms backup mnt/backup/kms-newer.db')
        self.shell('rm .bulla/kms.db* && bulla kms restore mnt/backup/kms.db && bulla verify users', 3, '%d in quarantine' % ROWS)
        run = self.reader('The data is newer than the key store')
        run((0, 'key_destroyed'), NOTHING, NOTHING, (0, '%d are well now, 0 in quarantine' % ROWS))
        self.all_there()

    def test_data_restored(self):
        self.project('finished')
        self.shell('bulla rotate users && cp mnt/backup/app.db app.db')
        run = self.reader('A backup of the data was restored')
        run(LOOKED, (0, ALL_OPEN), (0, '%d rotated, 0 left' % ROWS))
        self.all_there()

    # --- the environment ---
    def test_wrong_environment(self):
        self.project('applied')
        self.shell('bulla --env staging get users 42', 1, 'unknown_key: the field email does not open: unknown_key')
        self.shell('bulla --env staging verify users', 3, '%d in quarantine' % ROWS)
        run = self.reader('The wrong environment')
        self.assertNotIn('quarantine: ', run((0, '%d equal' % ROWS), (0, 'users: verified')))
        for name in ('Kq00007z Ada', person(7)[2]):
            self.sql(('UPDATE users SET first_name = ? WHERE id = 7', (name,)))
        self.shell('bulla --env staging apply users', 0, '1 sealed now')
        self.shell('bulla verify users', 3, '1 in quarantine')
        run((0, '1 .* well now, 0 in quarantine'), (0, '%d equal' % ROWS))
        self.climb('finish')
        self.all_there()

    def test_disabled(self):
        self.project('applied')
        self.shell('bulla key disable local')
        self.shell('bulla verify users', 1, 'bulla: key_disabled: the key .* is disabled')
        run = self.reader('A key was disabled')
        run((0, 'DisableKey +ok'), (0, 'enabled'), (0, '%d before' % ROWS))
        self.climb('verify', 'finish')
        self.all_there()

    # --- jobs ---
    def test_stuck(self):
        self.project('applied')
        child = self.start('apply', 'users', '--follow')
        self.assertTrue(harness.wait_until(lambda: b'working' in self.bulla('status', 'users', manners=False).stdout))
        self.shell('bulla apply users', 1, r'bulla: busy: process \d+ on host \S+ is working on model users')
        child.kill()
        child.wait()
        run = self.reader('A job that is stuck')
        run(NOTHING, (0, '%d before' % ROWS))
        self.sql("UPDATE bulla_job SET owner = 'elsewhere/1/x 4711 1 abc', heartbeat = strftime('%s', 'now') * 1000")
        self.shell('bulla apply users', 1, ['busy: process 4711 on host elsewhere', '^Next: .* after 60 s elsewhere'])
        self.sql("UPDATE bulla_job SET heartbeat = (strftime('%s', 'now') - 61) * 1000")
        self.shell('bulla apply users')
        self.climb('verify', 'finish')
        self.all_there()

    def test_locked(self):
        self.project('applied')
        writer = sqlite3.connect(self.database, isolation_level=None)
        writer.execute('BEGIN IMMEDIATE')
        child = self.start('apply', 'users')
        harness.wait_until(lambda: child.poll() is not None, 0.5)
        self.assertIsNone(child.poll(), 'it waits')
        writer.execute('COMMIT')
        writer.close()
        self.wait(child)
        run = self.reader('A locked database')
        run((0, '%d before' % ROWS))
        self.all_there()

    def test_quarantine(self):
        self.project('finished')
        self.sql('''UPDATE users SET email_ciphertext = substr(email_ciphertext, 1, 20) || zeroblob(1) ||
                     substr(email_ciphertext, 22) WHERE id = 1''',
                 "UPDATE users SET first_name_ciphertext = x'616263' WHERE id = 2",
                 'UPDATE users SET (%s) = (SELECT %s FROM users WHERE id = 4) WHERE id = 3' % ((', '.join(SEALED),) * 2))
        self.shell('bulla verify users', 3, '3 in quarantine')
        run = self.reader('Rows in quarantine')
        run((0, ['tampered', 'format', 'context']))
        sql, = pages.blocks(SECTIONS['Rows in quarantine'], 'sql')
        connection = sqlite3.connect(self.database)
        connection.executescript(sql.replace('/mnt/backup', self.path('mnt/backup')))
        connection.close()
        run((0, '3 are well now, 0 in quarantine'), (0, ALL_OPEN))
        self.all_there()

    # --- back ---
    def test_undo_before_finish(self):
        self.project('applied')
        run = self.reader('Sealing is to be undone')
        run((0, 'what apply added is gone'), (0, 'users: planned'))
        self.assertEqual(self.columns('users'), ['id', 'email', 'first_name'])
        self.assertEqual(self.sql('SELECT * FROM users ORDER BY id'), [person(i) for i in range(1, ROWS + 1)])

    def test_undo_after_finish(self):
        self.project('finished')
        run = self.reader('Undone after finish')
        run(NOTHING, (0, ALL_OPEN), (0, 'the plaintext of %d rows is back' % ROWS))
        self.assertEqual(self.sql('SELECT * FROM users ORDER BY id'), [person(i) for i in range(1, ROWS + 1)])
        self.climb('apply', 'verify', 'finish')
        self.all_there()

    # --- the end of keys ---
    def follower(self, keys='keys: [local/new], previous: [local]'):
        self.shell('bulla key create new')
        self.configure(HERE, 'development: { %s, cache: { max_age: 100ms } }' % keys)

    def test_retirement(self):
        self.project('finished')
        self.follower()
        run = self.reader('A key is to be retired')
        run((0, 'index:User/email'), (0, 'now hang from the keys'), NOTHING, (0, 'nothing hangs from it'))
        time.sleep(0.3)
        run((0, 'pending deletion'))
        self.all_there()
        heading = 'The end of a retired key'
        type(self).played.add(heading)
        later = self.ahead(days=31)
        run = self.reader(heading)
        self.shell('bulla key delete local', 1, 'refused: the key waits for its deletion, until')
        self.configure(', previous: [local]', '')
        run((0, 'its key material is gone for good'), (0, 'made a backup|kms-without-key.db'), more=later)
        self.all_there()

    def test_refusals(self):
        self.project('finished')
        run = self.reader('Refusals of key delete')
        run((1, ['refused: the key is still referred to: .*index:User/email', '^Next: .*bulla key close']),
            (0, 'what hangs from it cannot be opened any more'), (0, 'enabled'))
        self.all_there()
        for words in ('is still referred to', 'cannot be counted', 'waits for its deletion', 'still names the key',
                      'processes may still hold what they have cached of this key'):
            self.assertIn(words, SECTIONS['Refusals of key delete'])

    def shredded(self):
        """A project in which record 42 has a branch of its own and was shredded after the backup."""
        self.project('finished')
        self.shell('bulla undo users')
        self.configure('branch_key: { name: users }', 'branch_key: { name: "user:{id}" }')
        self.configure(HERE, 'development: { key: local, cache: { max_age: 100ms } }')
        self.climb('apply', 'verify', 'finish')
        self.shell('rm mnt/backup/* && cp app.db mnt/backup/app.db && bulla kms backup mnt/backup/kms.db')
        self.shell('bulla shred users 42 --wait', 0, 'user:42: destroyed')

    def test_store_from_before_a_shred(self):
        self.shredded()
        self.shell('cp mnt/backup/app.db app.db')  # the data of then as well
        run = self.reader('A key store from before a shred')
        run((0, '1 branch key in it had been shredded since, and destroyed again'), NOTHING, (0, '1 row is shredded'))
        self.shell('bulla get users 42', 1, 'bulla: key_destroyed: ')
        run((0, '1 record cleared'))
        self.all_there(shredded=(42,))

    def test_store_from_before_a_shred_and_no_log(self):
        self.shredded()
        shutil.rmtree(self.path('.bulla', 'audit'))
        run = self.reader('A key store from before a shred, and no log')
        run((0, '1 branch key in it had been shredded since, and destroyed again'), (0, 'the log goes on'), (0, 'users'))
        self.all_there(shredded=(42,))
        self.shell('bulla shred --branch user:42 --cancel', 1, 'bulla: key_destroyed: ')

    def test_disk_full(self):
        self.project('applied')
        if os.access('/dev/full', os.W_OK):
            self.shell('bulla export users > /dev/full', 1, 'bulla: full: ')
        run = self.reader('The disk is full')
        run(LOOKED, (0, '%d before' % ROWS))
        self.all_there()

    # --- somebody knows something ---
    def thief(self, *rows):
        """What somebody with the key store of then reads in the data of now."""
        os.makedirs(self.path('thief', 'now'), exist_ok=True)
        for name in ('app.db', 'bulla.yaml'):
            shutil.copy(self.path(name), self.path('thief', 'now'))
        shutil.copytree(self.path('thief', 'then'), self.path('thief', 'now', '.bulla'), dirs_exist_ok=True)
        return [self.shell('bulla get users %d' % row, 1, cwd=self.path('thief', 'now')) for row in rows]

    def test_key_seen(self):
        self.project('finished')
        before = self.sql('SELECT encrypted_kms_key FROM users')
        run = self.reader('Somebody has seen a key')
        run((0, '%d rotated, 0 left' % ROWS), (0, ALL_OPEN), NOTHING, NOTHING)
        self.assertEqual(set(before) & set(self.sql('SELECT encrypted_kms_key FROM users')), set())
        self.all_there()

    def test_store_stolen(self):
        self.project('finished')
        shutil.copytree(self.path('.bulla'), self.path('thief', 'then'))
        old_indexes = set(self.sql('SELECT email_bidx FROM users WHERE email_bidx IS NOT NULL'))
        run = self.reader('Somebody has the key store')
        run((0, 'the old root key is now'), (0, 're-wrapped'), (0, '%d rotated, 0 left' % ROWS), (0, ALL_OPEN), NOTHING)
        previous = ', previous: { normalize: lowercase }'
        self.configure('{ index: { normalize: lowercase } }', '{ index: { normalize: lowercase, version: 2%s } }' % previous)
        run((0, 'take previous: out'))
        self.configure(previous, '')
        self.shell('bulla rotate users --index')
        self.assertFalse('email_bidx' in self.columns('users'))
        new = [name for name in self.columns('users') if 'bidx' in name][0]
        self.assertEqual(old_indexes & set(self.sql('SELECT %s FROM users' % new)), set())
        for said in self.thief(3, 8, ROWS):
            self.assertIn('unknown_key', said)
        self.all_there()
        self.shell('bulla search users email kq00008Z@example.org', 0, 'Kq00008z Anna')

    def test_database_stolen(self):
        self.project('finished')
        run = self.reader('Somebody has the database')
        run(NOTHING, (0, 'Decrypt'), LOOKED)

    # --- the audit log ---
    def test_log_cut(self):
        self.project('finished')
        shutil.copytree(self.path('.bulla', 'audit'), self.path('older'))
        self.shell('bulla key create other')
        shutil.rmtree(self.path('.bulla', 'audit'))
        os.rename(self.path('older'), self.path('.bulla', 'audit'))
        self.shell('bulla get users 42', 1, 'the log lacks entries that the store has heard of')
        run = self.reader('The audit log does not verify')
        run((3, 'does NOT verify'), NOTHING, (0, 'the log goes on'), (0, 'verify$'))
        self.all_there()
        run(NOTHING, NOTHING, NOTHING)  # the other half of the section does not hurt

    def test_log_damaged(self):
        self.project('finished')
        for name in glob.glob(self.path('.bulla', 'audit', '**'), recursive=True):
            if os.path.isfile(name):
                with open(name, 'r+b') as file:
                    content = file.read().replace(b'"CreateKey"', b'"CreateKez"')
                    file.seek(0)
                    file.write(content)
        run = self.reader('The audit log does not verify')
        run((3, 'first bad entry: 0'), NOTHING, (1, 'damaged'), (3, None), NOTHING, (0, 'the log goes on'), (0, 'verify$'))
        self.all_there()

    def test_log_missing(self):
        self.project('finished')
        shutil.rmtree(self.path('.bulla', 'audit'))
        for line in 'bulla get users 42', 'bulla audit verify', 'bulla audit lookup':
            self.shell(line, 1, ['bulla: audit: the audit log .bulla/audit is missing', '^Next: .* bulla audit adopt'])
        run = self.reader('The audit log is missing')
        run(NOTHING, (0, 'verify$'))
        self.all_there()

    def test_that_every_section_was_played(self):
        """Runs last, by its name's place in the suite."""
        if len(self.played) < 2:
            self.skipTest('alone')
        self.assertEqual({heading for heading, text in SECTIONS.items() if pages.commands(text)}, self.played)


def load_tests(loader, tests, pattern):
    """In one order: what looks at all the others comes last."""
    del tests, pattern
    names = sorted(loader.getTestCaseNames(Runbook), key=lambda name: (name == 'test_that_every_section_was_played', name))
    return unittest.TestSuite(map(Runbook, names))


if __name__ == '__main__':
    harness.main()
