"""A disk that fails on purpose: each command is stopped at each of the calls that change a file, then taken up again.

The fault disk (disk.c) numbers the calls. At each number in turn the process is killed, the power is cut (what was not synced is kept in part),
the disk is full, a call fails with EIO, or writes half; reads fail too. After each the same command goes on, every row is what it
was byte for byte, and the audit log verifies. DISK_N faults of each kind for each command (1 by default; 0: every call); CRASH_SEED to see a run
again.
"""
import os
import random
import shutil
import tempfile

import harness
from harness import exact_rows

FAULTS = ('kill', 'cut', 'full', 'error', 'short', 'read')
EACH = int(os.environ.get('DISK_N', '1'))
SEED = int(os.environ.get('CRASH_SEED', '0')) or random.SystemRandom().randint(1, 10 ** 9)
ROWS = 24
COLUMNS = ['id', 'name', 'email', 'note', 'salary', 'city']
TABLE = '''CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'none', email TEXT UNIQUE, note, salary INTEGER, city TEXT)'''
MODEL = '''  people:
    branch_key: { name: "person:{id}" }
    fields:
      name: { type: string }
      email: { type: string, index: { normalize: lowercase, unique: true } }
      note: { type: any }
      salary: { type: integer }
'''
SETTLE = ('--settle', '0s')
LADDER = (('apply',), ('verify',), ('finish', *SETTLE))


class Disk(harness.Case):
    """Each fault happens in a copy of one prepared project."""

    def setUp(self):
        super().setUp()
        self.random = random.Random('%d %s' % (SEED, self.id()))
        self.top = self.dir
        self.library = os.path.join(harness.settings['build'], 'tests', 'functional', 'libdisk.so')
        self.happened = {fault: 0 for fault in FAULTS}
        self.later = {}

    def environment(self, more=None):
        return super().environment({**self.later, **(more or {})})

    def wait_days(self, days):
        """From now on it is so many days later."""
        self.later = {'LD_PRELOAD': self.library, 'DISK_DAYS': str(days)}

    def enter(self, directory):
        self.dir, self.database = directory, os.path.join(directory, 'app.db')

    def project(self, mode, *steps):
        self.enter(tempfile.mkdtemp(dir=self.top))
        self.sql('PRAGMA journal_mode = %s' % mode, TABLE, *(
            ('INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)',
             (i, 'Zo\u00eb Kq%05dz' % i, 'kq%05dz@example.org' % i, (None, '', i, i / 8, b'\0Kq' + bytes([i]) * i)[i % 5], i * 1000, 'Ghent'))
            for i in range(1, ROWS + 1)))
        self.expected = exact_rows(self.database, 'people', COLUMNS, ['id'])
        self.model(MODEL)
        for step in steps:
            self.bulla(*step)
        return self.dir

    def copy_of(self, directory):
        copy = tempfile.mkdtemp(dir=self.top)
        shutil.rmtree(copy)
        shutil.copytree(directory, copy)
        self.enter(copy)

    def leave(self):
        shutil.rmtree(self.dir)
        self.enter(self.top)
        self.runs.clear()

    def run_on_disk(self, fault, at, args):
        """The command on the fault disk; its exit status (-9: killed)."""
        saved, count = tempfile.mkdtemp(dir=self.top), os.path.join(self.top, 'count')
        done = self.bulla(*args, status=(0, 1, 3, -9), manners=False, env={
            'LD_PRELOAD': self.library, 'DISK_ROOT': self.dir, 'DISK_SAVED': saved, 'DISK_FAULT': fault, 'DISK_AT': str(at),
            'DISK_SEED': str(self.random.randint(1, 1 << 60)), 'DISK_COUNT': count})
        shutil.rmtree(saved)
        return done

    def count_calls(self, base, args):
        """How many calls change a file, how many read one, when nothing fails."""
        self.copy_of(base)
        self.assertEqual(self.run_on_disk('count', 0, args).status, 0)
        with open(os.path.join(self.top, 'count'), encoding='ascii') as file:
            calls, reads = map(int, file.read().split())
        self.leave()
        return calls, reads

    def places(self, total):
        """Which calls fail: every one, or some."""
        if EACH == 0 or EACH >= total:
            return range(1, total + 1)
        return sorted(self.random.sample(range(1, total + 1), EACH))

    def fail_everywhere(self, base, args, check):
        """Runs the command with each fault at each place; `check` takes it up again and compares."""
        calls, reads = self.count_calls(base, args)
        for fault in FAULTS:
            for at in self.places(reads if fault == 'read' else calls):
                with self.subTest(command=' '.join(args), fault=fault, at=at, seed=SEED):
                    self.copy_of(base)
                    done = self.run_on_disk(fault, at, args)
                    if fault in ('kill', 'cut') and done.status != -9:  # the log publishes by the clock: sometimes once less
                        self.assertGreater(at, 0.8 * calls, str(done))
                    self.happened[fault] += 1
                    check(args)
                self.leave()
        print('%s: %d calls, %d reads; %s' % (' '.join(args), calls, reads, ', '.join(
            '%s %d' % pair for pair in self.happened.items())), flush=True)

    # --- afterwards ---
    def check_database(self):
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])

    def check_log(self):
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def check_export(self):
        self.assert_exports('people', 'people', COLUMNS, self.expected)

    def check_plaintext(self):
        self.check_database()
        self.assertEqual(exact_rows(self.database, 'people', COLUMNS, ['id']), self.expected)

    def check_clean(self):
        answer = self.bulla('verify', '--json').model()
        self.assertEqual((answer['equal'], answer['unsealed'], answer['differences']), (ROWS, 0, 0))

    # --- the jobs ---
    def after_apply(self, args):
        self.check_plaintext()
        self.bulla(*args)
        self.check_clean()
        self.check_plaintext()
        self.check_log()

    def after_verify(self, args):
        self.check_plaintext()
        self.bulla(*args)
        self.bulla('finish', *SETTLE)
        self.check_export()
        self.check_log()

    def after_finish(self, args):
        self.check_database()
        if 'email' in self.columns('people'):
            self.check_plaintext()
        self.bulla(*args)
        self.assertEqual(harness.people_in_files(self.database), set())
        self.check_export()
        self.check_log()

    def after_key_rotate(self, args):
        self.check_export()
        self.bulla(*args)
        self.check_export()
        self.check_log()

    def after_rotate(self, args):
        self.check_database()
        self.check_export()
        self.bulla(*args)
        self.check_export()
        self.assertEqual(self.bulla('verify', '--json').model()['equal'], ROWS)
        self.check_log()

    def test_rotation_of_wraps(self):
        self.fail_everywhere(self.project('wal', *LADDER), ('rotate', 'people', '--wrap'), self.after_rotate)

    def test_rotation_of_data_keys(self):
        self.fail_everywhere(self.project('delete', *LADDER), ('rotate', 'people', '--data'), self.after_rotate)

    def alter(self, *changes):
        """The project's bulla.yaml with other words in it."""
        text = self.read('bulla.yaml').decode()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.write('bulla.yaml', text)

    def check_found(self):
        """Each person by the blind index, whichever of the two is there."""
        for row in (self.expected[0], self.expected[ROWS // 2], self.expected[-1]):
            found = self.bulla('search', 'people', 'email', row[2][1].decode().upper(), '--json').lines()
            self.assertEqual([person['id'] for person in found], [row[0][1]])

    def after_rotate_index(self, args):
        self.check_found()
        self.after_rotate(args)
        self.check_found()

    def test_rotation_of_an_index(self):
        base = self.project('wal', *LADDER)
        self.alter(('{ normalize: lowercase, unique', '{ version: 2, normalize: lowercase, previous: { normalize: lowercase }, unique'))
        self.fail_everywhere(base, ('rotate', 'people', '--index'), self.after_rotate_index)

    def after_rotate_context(self, args):
        """Until it is over, rows are under the one name or under the other."""
        self.check_database()
        self.assertEqual(self.sql('SELECT count(*) FROM people WHERE name_ciphertext IS NULL OR encrypted_kms_key IS NULL'), [(0,)])
        self.bulla(*args)
        self.check_export()
        self.assertEqual(self.bulla('verify', '--json').model()['equal'], ROWS)
        self.check_log()

    def test_rotation_of_a_context(self):
        base = self.project('wal', *LADDER)
        shutil.copy(self.path('bulla.yaml'), self.path('earlier.yaml'))
        self.alter(('    fields:', '    context: { model_name: Human, model_id: "{id}" }\n    fields:'))
        self.fail_everywhere(base, ('rotate', 'people', '--context', '--from', 'earlier.yaml'), self.after_rotate_context)

    # --- undo ---
    def schema(self):
        return self.sql('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name')

    def after_undo(self, args):
        self.check_database()
        if 'email' in self.columns('people'):
            self.check_plaintext()
        else:
            self.check_export()
        self.bulla(*args)
        self.check_plaintext()
        self.assertEqual(self.schema(), self.before)
        self.check_log()

    def undo(self, mode, *steps):
        base = self.project(mode)
        self.before = self.schema()
        for step in steps:
            self.bulla(*step)
        self.fail_everywhere(base, ('undo', 'people'), self.after_undo)

    def test_undo_before_finish(self):
        self.undo('wal', *LADDER[:1])

    def test_undo_with_a_rollback_journal(self):
        self.undo('delete', *LADDER)

    def test_undo_with_a_write_ahead_log(self):
        self.undo('wal', *LADDER)

    # --- the end of a key ---
    def state(self, alias='alias/default'):
        keys = self.bulla('key', 'list', '--json').json()['keys']
        return {key['aliases']: key['state'] for key in keys}.get(alias)

    def retiring(self, *steps):
        """A project in which the second key has taken over, and the first can go."""
        base = self.project('wal', *LADDER, ('key', 'create', 'new'))
        self.alter(('{ key: local }', '{ keys: [local/new], previous: [local], cache: { max_age: 1ms } }'))
        for step in steps:
            self.bulla(*step)
        return base

    def after_close(self, args):
        self.assertIn(self.state(), ('enabled', 'closing'))
        self.check_export()
        self.assertEqual(self.bulla(*args, '--json').json()['left'], 0)
        self.assertEqual(self.state(), 'closing')
        census = self.bulla('key', 'census', 'local', '--json').json()
        self.assertEqual([n for n in census['references'].values() if n], [])
        self.check_export()
        self.check_log()

    def test_closing_a_key(self):
        self.fail_everywhere(self.retiring(), ('key', 'close', 'local'), self.after_close)

    def after_delete(self, args):
        """It waits for its end, or will, and can be taken back."""
        self.check_export()
        if self.state() == 'closing':
            self.bulla(*args)
        else:
            self.fails('refused', *args)
        self.assertEqual(self.state(), 'pending deletion')
        self.check_export()
        self.bulla('key', 'enable', 'local')
        self.assertEqual(self.state(), 'enabled')
        self.check_log()

    def test_deleting_a_key(self):
        self.fail_everywhere(self.retiring(('key', 'close', 'local')), ('key', 'delete', 'local', '--days', '7'), self.after_delete)

    def after_destruction(self, args):
        """It is still there, or gone for good."""
        self.check_export()
        if self.state():
            self.assertEqual(self.state(), 'pending deletion')
            self.bulla(*args)
        self.assertIsNone(self.state())
        self.fails('not_found', *args)
        self.check_export()
        self.check_log()

    def test_destroying_a_key(self):
        base = self.retiring(('key', 'close', 'local'), ('key', 'delete', 'local', '--days', '7'))
        self.alter((', previous: [local]', ''))
        self.wait_days(8)
        self.fail_everywhere(base, ('key', 'delete', 'local'), self.after_destruction)

    def check_others(self):
        """Whoever is shredded, all others are as they were."""
        self.assertEqual([row for row in self.exported('people') if row['id'] != 5], self.others)

    def after_shred(self, args):
        self.check_database()
        self.check_others()
        self.bulla(*args)
        self.check_others()
        self.assertEqual(self.sql('SELECT id FROM people WHERE email_bidx IS NULL AND encrypted_kms_key IS NULL'), [(5,)])
        self.assertEqual(self.bulla('verify', '--json').model()['quarantined'], 0)
        self.fails('key_destroyed', 'shred', 'people', '5', '--cancel')
        self.check_log()

    def shred(self, mode):
        base = self.project(mode, *LADDER)
        self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('{ key: local }', '{ key: local, cache: { max_age: 1ms } }'))
        self.others = [row for row in self.exported('people') if row['id'] != 5]
        self.fail_everywhere(base, ('shred', 'people', '5', '--wait'), self.after_shred)

    def test_shred_with_a_rollback_journal(self):
        self.shred('delete')

    def test_shred_with_a_write_ahead_log(self):
        self.shred('wal')

    def test_apply_with_a_rollback_journal(self):
        self.fail_everywhere(self.project('delete'), ('apply',), self.after_apply)

    def test_apply_with_a_write_ahead_log(self):
        self.fail_everywhere(self.project('wal'), ('apply',), self.after_apply)

    def test_verify(self):
        self.fail_everywhere(self.project('wal', *LADDER[:1]), ('verify',), self.after_verify)

    def test_finish_with_a_rollback_journal(self):
        self.fail_everywhere(self.project('delete', *LADDER[:2]), LADDER[2], self.after_finish)

    def test_finish_with_a_write_ahead_log(self):
        self.fail_everywhere(self.project('wal', *LADDER[:2]), LADDER[2], self.after_finish)

    def test_key_rotation(self):
        self.fail_everywhere(self.project('wal', *LADDER), ('key', 'rotate', 'alias/default'), self.after_key_rotate)


if __name__ == '__main__':
    harness.main()
