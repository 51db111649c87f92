"""SIGKILL at random moments: each row is old or new, and the same command goes on.

CRASH_N kills of apply and finish (30), and a share of them of rotate, undo, shred, the end of a key, rekey and init, also beside an application
that goes on writing; CRASH_SEED to see a run again.
"""
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, exact_rows, make_people, people_in_files

ROWS = 2500
WRITER_MODEL = '''  people:
    migrating: true
    branch_key: { name: "person:{id}" }
    fields:
      name: { type: string }
      email: { type: string, index: { normalize: lowercase } }
'''
KILLS = max(6, int(os.environ.get('CRASH_N', '30')))
SEED = int(os.environ.get('CRASH_SEED', '0')) or random.SystemRandom().randint(1, 10 ** 9)


class Crash(harness.Case):
    """Each kill happens in a copy of one prepared project."""

    def setUp(self):
        super().setUp()
        self.random = random.Random('%d %s' % (SEED, self.id()))
        self.top = self.dir
        self.kills, self.missed, self.scale = 0, 0, 1.0

    def project(self, mode, *steps):
        """A directory at that point of the ladder, to be copied."""
        self.enter(tempfile.mkdtemp(dir=self.top))
        make_people(self.database, ROWS)
        self.people = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        self.sql('PRAGMA journal_mode = %s' % mode)
        self.model(PEOPLE_MODEL)
        self.climb(*steps) if steps else None
        return self.dir

    def enter(self, directory):
        self.dir, self.database = directory, os.path.join(directory, 'app.db')

    def copy_of(self, directory):
        copy = tempfile.mkdtemp(dir=self.top)
        shutil.rmtree(copy)
        shutil.copytree(directory, copy)
        self.enter(copy)

    def leave(self):
        shutil.rmtree(self.dir)
        self.enter(self.top)
        self.runs.clear()

    def how_long(self, directory, *args):
        """The command's time when nobody stops it."""
        self.copy_of(directory)
        start = time.monotonic()
        self.bulla(*args)
        taken = time.monotonic() - start
        self.leave()
        return taken

    def kill_one(self, seconds, *args):
        """Whether it was still running."""
        child = self.start(*args)
        time.sleep(self.random.uniform(0, seconds * self.scale))
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.children.remove(child)
        child.said.close()
        child.words.close()
        hit = child.returncode == -signal.SIGKILL
        self.kills += hit
        self.missed += not hit
        self.scale = max(0.05, min(2.0, self.scale * (1.02 if hit else 0.85)))  # it may take longer or shorter by now
        self.assertLess(self.missed, 20 + 4 * KILLS, 'it is too fast to be killed')
        return hit

    def check_files(self):
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def no_quarantine(self):
        if 'bulla_quarantine' in [name for name, in self.sql('SELECT name FROM sqlite_master')]:
            self.assertEqual(self.sql('SELECT * FROM bulla_quarantine'), [])

    def rounds(self, share):
        return max(1, round(KILLS * share))

    def say(self, what):
        print('%s: %d kills in the middle, %d too late, seed %d' % (what, self.kills, self.missed, SEED), flush=True)

    # --- apply ---
    def crash_apply(self, mode, rounds):
        base = self.project(mode)
        self.expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        taken = self.how_long(base, 'apply')
        while self.kills < rounds:
            self.copy_of(base)
            for _ in range(min(self.random.choice((1, 1, 2, 3)), rounds - self.kills)):
                self.kill_one(taken, 'apply')
                self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
                self.assert_whole_records()
            self.bulla('apply')
            self.no_quarantine()
            checked = self.bulla('verify', '--json').model()
            self.assertEqual((checked['equal'], checked['unsealed'], checked['differences']), (ROWS, 0, 0))
            self.check_files()
            if self.random.random() < 0.3:
                self.bulla('finish', '--settle', '0s')
            self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
            self.leave()
        self.say('apply, %s' % mode)

    def assert_whole_records(self):
        """A row has its key and all its ciphertexts, or none."""
        if 'encrypted_kms_key' not in self.columns('people'):
            return
        torn = self.sql('SELECT count(*) FROM people WHERE ' + ' OR '.join(
            '({0} IS NOT NULL AND ({0}_ciphertext IS NULL) <> (encrypted_kms_key IS NULL))'.format(f) for f in ('name', 'email',
                                                                                                                'note',
                                                                                                                'salary')))
        self.assertEqual(torn, [(0,)])

    def test_apply_with_a_rollback_journal(self):
        self.crash_apply('delete', self.rounds(0.25))

    def test_apply_with_a_write_ahead_log(self):
        self.crash_apply('wal', self.rounds(0.25))

    # --- finish ---
    def crash_finish(self, mode, rounds):
        base = self.project(mode, 'apply', 'verify')
        self.expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        taken = self.how_long(base, 'finish', '--settle', '0s')
        while self.kills < rounds:
            self.copy_of(base)
            for _ in range(min(self.random.choice((1, 1, 2, 3)), rounds - self.kills)):
                self.kill_one(taken, 'finish', '--settle', '0s')
                self.assert_all_or_nothing()
            self.bulla('finish', '--settle', '0s')
            self.assertEqual(people_in_files(self.database), set())
            self.no_quarantine()
            self.assertEqual([c for c in self.columns('people') if c in PEOPLE_COLUMNS], ['id', 'city'])
            self.assertEqual(self.sql('PRAGMA journal_mode'), [(mode,)])
            self.assertEqual(self.bulla('verify', '--json').model()['equal'], ROWS)
            self.check_files()
            self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
            self.assertEqual(sorted(os.listdir(self.dir)),
                             sorted(set(os.listdir(base)) | {n for n in os.listdir(self.dir) if n.startswith('app.db')}))
            self.leave()
        self.say('finish, %s' % mode)

    def assert_all_or_nothing(self):
        """The table has its plaintext or has it not, whole."""
        there = [c for c in self.columns('people') if c in PEOPLE_COLUMNS]
        self.assertIn(there, (PEOPLE_COLUMNS, ['id', 'city']))
        if there == PEOPLE_COLUMNS:
            self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
        self.assertEqual(self.sql('SELECT count(*) FROM people'), [(ROWS,)])
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])

    def test_finish_with_a_rollback_journal(self):
        self.crash_finish('delete', self.rounds(0.25))

    def test_finish_with_a_write_ahead_log(self):
        self.crash_finish('wal', self.rounds(0.25))

    # --- undo ---
    def schema(self):
        return self.sql('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name')

    def crash_undo(self, mode, *steps):
        base = self.project(mode)
        before = self.schema()
        self.climb(*steps)
        taken = self.how_long(base, 'undo')
        finished = 'finish' in steps
        while self.kills < self.rounds(0.05):
            self.copy_of(base)
            for _ in range(self.random.choice((1, 2, 3))):
                self.kill_one(taken, 'undo')
                self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
                if 'name' in self.columns('people'):
                    self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.people)
                else:
                    self.assertTrue(finished)
                    self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.people)
            self.bulla('undo')
            self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.people)
            self.assertEqual(self.schema(), before)
            self.check_files()
            self.leave()
        self.say('undo after %s, %s' % (steps[-1], mode))

    def test_undo_before_finish(self):
        self.crash_undo('wal', 'apply')

    def test_undo_with_a_rollback_journal(self):
        self.crash_undo('delete', 'apply', 'verify', 'finish')

    def test_undo_with_a_write_ahead_log(self):
        self.crash_undo('wal', 'apply', 'verify', 'finish')

    # --- with an application that writes beside ---
    def application(self, mode):
        """Rows that an application (writer.c) changes, and the number by which it knows what it wrote last."""
        self.enter(tempfile.mkdtemp(dir=self.top))
        self.sql('PRAGMA journal_mode = %s' % mode,
                 'CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT \'\', email TEXT, city TEXT)',
                 'CREATE TABLE witness (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)',
                 "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 600) INSERT INTO people SELECT x, "
                 "printf('Kq%05dz 0', x), printf('kq%05dz.0@example.org', x), 'Ghent' FROM c",
                 'INSERT INTO witness SELECT id, 0 FROM people')
        self.model(WRITER_MODEL)
        return self.dir

    def start_writer(self, mode):
        out = tempfile.TemporaryFile(dir=self.dir)
        child = subprocess.Popen([os.path.join(harness.settings['build'], 'tests', 'functional', 'writer'), 'app.db', mode,
                                  str(self.random.randint(1, 10 ** 9))], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
                                 env=self.environment())
        child.said, child.words = out, tempfile.TemporaryFile(dir=self.dir)
        self.children.append(child)
        return child

    def stop_writer(self, child):
        """How many writes it committed."""
        child.send_signal(signal.SIGTERM)
        child.wait(harness.LONG)
        child.said.seek(0)
        said = child.said.read().decode()
        self.assertEqual(child.returncode, 0, said)
        self.children.remove(child)
        child.said.close()
        child.words.close()
        return int(said)

    def written(self):
        """The rows as the application knows them."""
        return [['%d' % i, 'Kq%05dz %d' % (i, n), 'kq%05dz.%d@example.org' % (i, n)]
                for i, n in self.sql('SELECT id, n FROM witness WHERE n >= 0 ORDER BY id')]

    def check_written(self):
        self.assertEqual([[str(row['id']), row['name'], row['email']] for row in self.exported('people')], self.written())

    def go_on_beside(self, args):
        """To its end, or until it says that the application is faster."""
        run = self.bulla(*args, status=(0, 1))
        self.assertIn(run.status and run.code(), (0, 'busy'), str(run))

    def crash_beside_writer(self, mode, writer_mode, base, rounds, *args, after=(), check=None):
        """Kills of one command while the application goes on; then the command goes on, with the application and without it."""
        taken, writes = 2 * self.how_long(base, *args), 0
        while self.kills < rounds:
            self.copy_of(base)
            writer = self.start_writer(writer_mode)
            for _ in range(min(self.random.choice((1, 2, 3)), rounds - self.kills)):
                self.kill_one(taken, *args)
            self.go_on_beside(args)
            writes += self.stop_writer(writer)
            self.bulla(*args)
            for step in after:
                self.bulla(*step)
            self.no_quarantine()
            (check or self.check_written)()
            self.check_files()
            self.leave()
        self.assertGreater(writes, rounds)
        self.say('%s, %s, beside %d writes (%s)' % (args[0], mode, writes, writer_mode))

    def test_apply_beside_an_old_application(self):
        self.crash_beside_writer('wal', 'plain', self.application('wal'), self.rounds(0.1), 'apply',
                                 after=(('verify',), ('finish', '--settle', '0s')))

    def test_apply_beside_a_migrating_application(self):
        base = self.application('delete')
        self.bulla('apply')  # its columns must be there
        self.crash_beside_writer('delete', 'both', base, self.rounds(0.1), 'apply', after=(('verify',), ('finish', '--settle', '0s')))

    def test_finish_beside_a_migrating_application(self):
        base = self.application('wal')
        self.climb('apply', 'verify')
        self.crash_beside_writer('wal', 'both', base, self.rounds(0.05), 'finish', '--settle', '0s')

    def check_undone(self):
        self.assertEqual(self.sql("SELECT name FROM sqlite_master WHERE name LIKE 'bulla%'"), [])
        self.assertEqual([[str(row[0]), *row[1:]] for row in self.sql('SELECT id, name, email FROM people ORDER BY id')],
                         self.written())

    def crash_undo_beside_writer(self, mode, writer_mode, *steps):
        base = self.application(mode)
        self.climb(*steps)
        self.crash_beside_writer(mode, writer_mode, base, self.rounds(0.05), 'undo', check=self.check_undone)

    def test_undo_before_finish_beside_an_old_application(self):
        self.crash_undo_beside_writer('delete', 'plain', 'apply')

    def test_undo_before_finish_beside_a_migrating_application(self):
        self.crash_undo_beside_writer('wal', 'both', 'apply', 'verify')

    def test_undo_after_finish_beside_an_application(self):
        self.crash_undo_beside_writer('wal', 'sealed', 'apply', 'verify', 'finish')

    # --- rotate ---
    def crash_rotate(self, change, *options, opens=True):
        """`change` is made to bulla.yaml before. While it is under way each row opens, by whichever key it is under."""
        base = self.project('wal', 'apply', 'verify', 'finish')
        text = self.read('bulla.yaml').decode()
        self.expected = self.people
        self.write('earlier.yaml', text)
        for old, new in change.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.write('bulla.yaml', text)
        command = ('rotate', 'people', *options)
        taken = self.how_long(base, *command)
        while self.kills < self.rounds(0.05):
            self.copy_of(base)
            for _ in range(self.random.choice((1, 2, 3))):
                self.kill_one(taken, *command)
                self.assertEqual(self.sql('SELECT count(*) FROM people'), [(ROWS,)])
                if opens:
                    self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
            done = self.bulla(*command, '--json').model()
            self.assertEqual((done['left'], done['quarantined']), (0, 0))
            checked = self.bulla('verify', '--json').model()
            self.assertEqual((checked['equal'], checked['differences']), (ROWS, 0))
            self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
            self.check_files()
            self.leave()
        self.say(' '.join(command))

    def test_rotate_wrap(self):
        self.crash_rotate({}, '--wrap')

    def test_rotate_data(self):
        self.crash_rotate({}, '--data')

    def test_rotate_index(self):
        self.crash_rotate({'normalize: lowercase': 'version: 2, normalize: lowercase, previous: { normalize: lowercase }'}, '--index')

    def test_rotate_context(self):
        self.crash_rotate({'model_name: Person': 'model_name: Human'}, '--context', '--from', 'earlier.yaml', opens=False)

    def test_rotations_beside_an_application(self):
        base = self.application('wal')
        self.climb()
        for kind in ('--wrap', '--data'):
            self.kills = self.missed = 0
            self.crash_beside_writer('wal', 'sealed', base, self.rounds(0.1), 'rotate', 'people', kind,
                                     after=(('verify',), ('rotate', 'people', '--data')))

    def check_found(self):
        self.check_written()
        for config in ('bulla.yaml', 'later.yaml'):
            for _, name, email in self.random.sample(self.written(), 3):
                found = self.bulla('search', 'people', 'email', email, '--json', '--config', config).lines()
                self.assertEqual([row['name'] for row in found], [name])

    def test_rotate_index_beside_an_application(self):
        """One that has not been told of the new index yet, and goes on writing the old one."""
        base = self.application('wal')
        self.climb()
        self.write('later.yaml', self.read('bulla.yaml').decode().replace(
            'normalize: lowercase', 'version: 2, normalize: lowercase, previous: { normalize: lowercase }'))
        self.crash_beside_writer('wal', 'sealed', base, self.rounds(0.05), 'rotate', 'people', '--index', '--config', 'later.yaml',
                                 check=self.check_found)

    # --- shred ---
    def crash_shred(self, mode):
        """One subject after the other: each ends, and no other is harmed."""
        self.enter(tempfile.mkdtemp(dir=self.top))
        make_people(self.database, 200)
        self.sql('PRAGMA journal_mode = %s' % mode)
        self.model(PEOPLE_MODEL.replace('name: people', 'name: "person:{id}"'))
        self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('{ key: local }', '{ key: local, cache: { max_age: 20ms } }'))
        self.climb()
        base, before = self.dir, self.exported('people')
        taken = self.how_long(base, 'shred', 'people', '1', '--wait')
        self.copy_of(base)
        gone, rounds = set(), max(3, self.rounds(0.1))
        while self.kills < rounds:
            subject = len(gone) + 1
            for _ in range(self.random.choice((1, 2, 3))):
                self.kill_one(taken, 'shred', 'people', str(subject), '--wait')
                self.assertEqual([r for r in self.exported('people') if r['id'] not in gone | {subject}],
                                 [r for r in before if r['id'] not in gone | {subject}])
            done = self.bulla('shred', 'people', str(subject), '--wait', '--json').json()
            self.assertEqual((done['state'], done['cleared'], done['still_open'], done['neighbours_lost']), ('destroyed', 1, 0, 0))
            gone.add(subject)
            if len(gone) % 50 == 0:
                self.leave()
                self.copy_of(base)
                gone = set()
        self.assertEqual({i for i, in self.sql('SELECT id FROM people WHERE encrypted_kms_key IS NULL')}, gone)
        self.assertEqual(self.bulla('verify', '--json').model()['quarantined'], 0)
        self.check_files()
        self.leave()
        self.say('shred, %s' % mode)

    def test_shred_with_a_rollback_journal(self):
        self.crash_shred('delete')

    def test_shred_with_a_write_ahead_log(self):
        self.crash_shred('wal')

    def check_others(self, gone):
        """Whoever is shredded or being shredded, all others are as the application wrote them."""
        self.assertEqual([[str(row['id']), row['name'], row['email']] for row in self.exported('people') if row['id'] not in gone],
                         [row for row in self.written() if int(row[0]) not in gone])

    def test_shred_beside_an_application(self):
        """It goes on with all the others, and takes a refusal for an answer where it meets the subject."""
        base = self.application('wal')
        self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('{ key: local }', '{ key: local, cache: { max_age: 20ms } }'))
        self.climb()
        taken = 2 * self.how_long(base, 'shred', '--branch', 'person:1', '--wait')
        rounds, writes = self.rounds(0.05), 0
        while self.kills < rounds:
            self.copy_of(base)
            writer, gone = self.start_writer('sealed'), set()
            for subject in self.random.sample(range(1, 600), 4):
                gone.add(subject)
                for _ in range(self.random.choice((1, 2, 3))):
                    self.kill_one(taken, 'shred', '--branch', 'person:%d' % subject, '--wait')
                done = self.bulla('shred', '--branch', 'person:%d' % subject, '--wait', '--json').json()
                self.assertEqual((done['state'], done['still_open'], done['neighbours_lost']), ('destroyed', 0, 0))
            writes += self.stop_writer(writer)
            self.check_others(gone)
            self.assertEqual([row['name'] for row in self.exported('people') if row['id'] in gone and row['name'] is not None], [])
            self.assertEqual(self.bulla('verify', '--json').model()['quarantined'], 0)
            self.check_files()
            self.leave()
        self.assertGreater(writes, rounds)
        self.say('shred beside %d writes' % writes)

    # --- the end of a key ---
    def state_of(self, alias):
        return [key['state'] for key in self.bulla('key', 'list', '--json').json()['keys'] if key['aliases'] == alias][0]

    def retiring(self):
        """Three hundred branch keys hang from the first key, and a second one is there to take them over."""
        base = self.application('wal')
        self.sql('DELETE FROM people WHERE id > 300', 'UPDATE witness SET n = -1 WHERE id > 300')
        self.climb()
        self.bulla('key', 'create', 'new')
        text = self.read('bulla.yaml').decode()
        self.write('bulla.yaml', text.replace('{ key: local }', '{ keys: [local/new], previous: [local], cache: { max_age: 1ms } }'))
        return base

    def references(self):
        return [n for n in self.bulla('key', 'census', 'local', '--json').json()['references'].values() if n]

    def test_closing_a_key_beside_an_application(self):
        base = self.retiring()
        taken, writes = 2 * self.how_long(base, 'key', 'close', 'local'), 0
        while self.kills < self.rounds(0.05):
            self.copy_of(base)
            writer = self.start_writer('sealed')
            for _ in range(self.random.choice((1, 2, 3))):
                self.kill_one(taken, 'key', 'close', 'local')
                self.assertIn(self.state_of('alias/default'), ('enabled', 'closing'))
            self.assertEqual(self.bulla('key', 'close', 'local', '--json').json()['left'], 0)
            writes += self.stop_writer(writer)
            self.bulla('key', 'close', 'local')  # what the application made while the key was still open
            self.assertEqual((self.state_of('alias/default'), self.references()), ('closing', []))
            self.check_written()
            self.check_files()
            self.leave()
        self.say('key close, beside %d writes' % writes)

    def test_deleting_a_key_beside_an_application(self):
        base = self.retiring()
        self.bulla('key', 'close', 'local')
        command = ('key', 'delete', 'local', '--days', '7')
        taken, writes = 2 * self.how_long(base, *command), 0
        while self.kills < self.rounds(0.05):
            self.copy_of(base)
            writer = self.start_writer('sealed')
            for _ in range(self.random.choice((1, 2, 3))):
                if self.state_of('alias/default') == 'closing':
                    self.kill_one(taken, *command)
            if self.state_of('alias/default') == 'closing':
                self.bulla(*command)
            writes += self.stop_writer(writer)
            self.fails('refused', *command)  # it waits for its end
            self.assertEqual(self.state_of('alias/default'), 'pending deletion')
            self.check_written()
            self.bulla('key', 'enable', 'local')
            self.assertEqual(self.state_of('alias/default'), 'enabled')
            self.check_files()
            self.leave()
        self.say('key delete, beside %d writes' % writes)

    # --- the key store ---
    def test_rekey(self):
        """Killed at any point the store opens, and what was sealed opens."""
        self.enter(tempfile.mkdtemp(dir=self.top))
        self.bulla('init')
        for i in range(20):
            self.bulla('key', 'create', 'key%d' % i)
        box = self.bulla('encrypt', stdin=b'Kq-secret-token').stdout
        base = self.dir
        taken = self.how_long(base, 'kms', 'rekey')
        while self.kills < self.rounds(0.1):
            self.copy_of(base)
            self.kill_one(taken, 'kms', 'rekey')
            self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-secret-token')
            self.bulla('kms', 'rekey')
            self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-secret-token')
            self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])
            self.leave()
        self.say('rekey')

    def test_init(self):
        """What a cut-off run has made is used by the next one."""
        base = tempfile.mkdtemp(dir=self.top)
        self.enter(base)
        make_people(self.database, 10)
        arguments = ('init', '--database', 'sqlite:app.db', '--table', 'people', '--fields', 'name,email')
        taken = self.how_long(base, *arguments)
        while self.kills < self.rounds(0.1):
            self.copy_of(base)
            if not self.kill_one(taken, *arguments):
                self.fails('exists', *arguments)  # it was done
            else:
                again = self.bulla(*arguments, status=(0, 1))
                self.assertIn(again.status and again.code(), (0, 'exists'), str(again))
            self.climb()
            self.check_files()
            self.leave()
        self.say('init')


if __name__ == '__main__':
    harness.main()
