"""What happens when bulla.yaml changes under a table that is sealed: no value may go, and no answer may be wrong."""
import harness
from harness import PEOPLE_COLUMNS, exact_rows

ROWS = 40
NOTE = '      note: {}\n'
EMAIL = 'email: { index: { normalize: lowercase } }'
LADDER = ('apply', 'verify', 'finish')
BOXED = '  notes: { context: { model_name: Note, model_id: "{id}" }, data_key: none, fields: { text: {} } }\n'
JOBS = (('rotate', '--wrap'), ('rotate', '--data'), ('rotate', '--index'), ('apply',), ('undo',))


class Schema(harness.People):
    rows = ROWS

    def sealed(self, steps):
        self.people()
        self.before = self.schema()
        self.climb(*steps)

    def schema(self):
        return self.sql("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2")

    def change(self, old, new):
        text = self.read('bulla.yaml').decode()
        self.assertIn(old, text)
        self.write('bulla.yaml', text.replace(old, new))
        return text

    def rotated(self, *options, status=0):
        return self.bulla('rotate', 'people', *options, '--json', status=status).model()

    def find(self):
        email = self.expected[4][2][1].decode()
        return [row['id'] for row in self.bulla('search', 'people', 'email', email, '--json').lines()]

    def assert_back(self):
        self.assertEqual(exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id']), self.expected)
        self.assertEqual(self.schema(), self.before)


class FieldTakenOut(Schema):
    """Its ciphertext stays, under the data key of its row: whoever changes or drops that key must ask for it."""

    def refuse_all(self, jobs=JOBS):
        for command, *more in jobs:
            refused = self.fails('refused', command, 'people', *more)
            self.assertIn('note_ciphertext', refused.words)
            self.assertIn('back into bulla.yaml', refused.next)
        self.bulla('plan', 'people', status=1)
        status = self.bulla('status', 'people', '--json')
        self.assertEqual(status.model()['unnamed'], ['note_ciphertext'])
        self.assertIn('back into bulla.yaml', status.next)
        self.assertIn('note_ciphertext', self.bulla('status', 'people').text)

    def test_after_finish(self):
        self.sealed(LADDER)
        whole = self.change(NOTE, '')
        self.refuse_all()
        self.write('bulla.yaml', whole)
        self.assertEqual(self.status()['unnamed'], [])
        self.assertEqual(self.bulla('verify', 'people', '--json').model()['equal'], ROWS)
        self.bulla('undo', 'people')
        self.assert_back()

    def test_before_finish(self):
        self.sealed(('apply',))
        self.change(NOTE, '')
        self.refuse_all((*JOBS, ('finish', '--settle', '0s')))
        self.bulla('undo', 'people', '--discard')  # the plaintext is the truth, and all that was sealed goes
        self.assert_back()

    def test_given_up_on_purpose(self):
        self.sealed(LADDER)
        self.change(NOTE, '')
        self.sql('UPDATE people SET note_ciphertext = NULL')
        self.assertEqual(self.status()['unnamed'], [])
        self.bulla('apply', 'people')
        self.assertEqual(self.rotated('--data')['rotated'], ROWS)
        self.bulla('undo', 'people')
        kept = [column for column in PEOPLE_COLUMNS if column != 'note']
        self.assertEqual(self.columns('people'), kept)
        self.assertEqual(exact_rows(self.database, 'people', kept, ['id']),
                         [[v for v, c in zip(row, PEOPLE_COLUMNS) if c != 'note'] for row in self.expected])


class IndexChanged(Schema):
    def make(self, steps):
        """An index over what is sealed already is made by its keys, and until then nobody is told that there is no such row."""
        self.sealed(steps)
        self.change(NOTE, '      note: { index: {} }\n')
        note = next(row for row in self.expected if row[3][0] == 'text' and row[3][1])
        for command in ('apply', 'verify'):
            self.assertIn('rotate people --index', self.fails('refused', command, 'people').next)
        search = ('search', 'people', 'note', note[3][1].decode())
        self.assertIn('rotate people --index', self.fails('refused', *search).next)
        self.assertIn('rotate people --index', self.bulla('status', 'people').next)
        self.assertEqual(self.rotated('--index')['left'], 0)
        self.assertIn(note[0][1], [row['id'] for row in self.bulla(*search, '--json').lines()])
        self.bulla('verify', 'people')
        self.bulla('undo', 'people')
        self.assert_back()

    def test_new_before_finish(self):
        self.make(('apply',))

    def test_new_after_finish(self):
        self.make(LADDER)

    def test_new_with_a_new_field(self):
        """One after the other, and it says so: no command sends to one that sends back."""
        self.people()
        whole = self.change(NOTE, '')
        self.bulla('apply', 'people')
        self.write('bulla.yaml', whole.replace('name: {}', 'name: { index: {} }'))
        for command, *more in (('apply',), ('rotate', '--index'), ('verify',)):
            self.assertIn('new fields come first', self.fails('refused', command, 'people', *more).next)
        self.write('bulla.yaml', whole)
        self.bulla('apply', 'people')
        self.write('bulla.yaml', whole.replace('name: {}', 'name: { index: {} }'))
        self.rotated('--index')
        self.assertEqual(self.bulla('verify', 'people', '--json').model()['equal'], ROWS)

    def test_while_it_is_made(self):
        self.sealed(LADDER)
        self.rotated('--index')
        self.sql('UPDATE bulla_rotation SET ended = NULL')  # as one leaves it that is killed
        refused = self.fails('refused', 'search', 'people', 'email', 'somebody@example.org')
        self.assertIn('rotate people --index', refused.next)
        self.assertTrue(self.rotated('--index')['resumed'])
        self.assertEqual(self.find(), [5])

    def test_replaced_without_a_window(self):
        """No older index stays behind: neither beside the new one nor after an undo."""
        self.sealed(LADDER)
        self.change(EMAIL, EMAIL.replace('{ normalize', '{ version: 2, normalize'))
        self.rotated('--index')
        self.assertNotIn('email_bidx', self.columns('people'))
        self.assertEqual(self.find(), [5])
        self.bulla('undo', 'people')
        self.assert_back()

    def undo_the_older(self, steps):
        self.sealed(steps)
        self.change(EMAIL, EMAIL.replace('{ normalize', '{ version: 2, normalize'))
        self.bulla('undo', 'people')
        self.assert_back()

    def test_undo_of_the_older_before_finish(self):
        self.undo_the_older(('apply',))

    def test_undo_of_the_older_after_finish(self):
        self.undo_the_older(LADDER)


class Several(Schema):
    """Without a model all are done: one for which there is nothing to do does not stand in the way of the others."""

    def test_passed_over(self):
        self.sql('CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)', "INSERT INTO notes VALUES (1, 'something')")
        self.people(5, model=BOXED + harness.PEOPLE_MODEL, steps=LADDER)
        done = lambda *options: [(model['model'], model['passed_over'], model['rows'])
                                 for model in self.bulla('rotate', *options, '--json').json()['models']]
        self.assertEqual(done(), [('notes', True, 0), ('people', False, 5)])
        self.assertEqual(done('--debt'), [('notes', True, 0), ('people', False, 5)])
        self.assertEqual(done('--data'), [('notes', False, 1), ('people', False, 5)])
        self.fails('refused', 'rotate', 'notes')
        self.assertIn('notes: nothing to do', self.bulla('rotate').text)
        self.write('earlier.yaml', self.change('model_name: Person', 'model_name: Human'))
        self.assertEqual(done('--context', '--from', 'earlier.yaml'), [('notes', True, 0), ('people', False, 5)])
        self.fails('refused', 'rotate', 'notes', '--context', '--from', 'earlier.yaml')
        self.bulla('verify')

    def test_last_lines(self):
        self.people(5, model=harness.PEOPLE_MODEL.replace('    branch_key: { name: people }\n', ''), steps=LADDER)
        self.assertIn('key rotate', self.bulla('rotate', 'people').next)
        self.assertIn('key census', self.bulla('rotate', 'people', '--debt').next)
        self.bulla('key', 'rotate', 'local')
        self.assertIn('--catch-up', self.bulla('rotate', 'people', '--debt').next)
        self.assertIn('--debt', self.bulla('rotate', 'people').next)


class Between(Schema):
    def test_undo_between_two_contexts(self):
        self.sealed(LADDER)
        self.write('earlier.yaml', self.change('model_name: Person', 'model_name: Human'))
        self.rotated('--context', '--from', 'earlier.yaml')
        self.sql('UPDATE bulla_rotation SET ended = NULL')  # as one leaves it that is killed
        self.assertIn('--context --from FILE', self.fails('refused', 'undo', 'people').next)
        self.assertIn('--context --from FILE', self.fails('refused', 'rotate', 'people', '--data').next)
        self.assertIn('--context --from FILE', self.bulla('status', 'people').next)
        self.assertEqual(self.status()['phase'], 'finished')
        self.rotated('--context', '--from', 'earlier.yaml')
        self.bulla('undo', 'people')
        self.assert_back()


if __name__ == '__main__':
    harness.main()
