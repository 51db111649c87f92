"""Tables that would lose something are refused before a write, with the reason and the next step."""
import os

import harness
from harness import exact_rows, snapshot
from test_shapes import MIB, Shape


class Refusals(Shape):
    def refused(self, fields='      secret: {}\n', code='refused', plan='refused', more=''):
        """plan says why, apply refuses, and the table stays as it is."""
        if not os.path.exists(self.path('.bulla')):
            self.model('  m:\n    table: t\n%s    fields:\n%s' % (more, fields))
        before = snapshot(self.dir, 'app.db')
        run = self.bulla('plan', 'm', '--json', status=1)
        if plan == 'refused':
            refusals = run.json()['plans'][0]['refusals']
            self.assertTrue(refusals)
            for refusal in refusals:
                self.assertTrue(refusal['text'] and refusal['next'], refusal)
            words = self.bulla('plan', 'm', status=1)
            self.assertIn(refusals[0]['text'], words.text + words.words)
        else:
            self.assertEqual(run.code(), plan)
            refusals = []
        self.fails(code, 'apply', 'm')
        self.assertEqual(snapshot(self.dir, 'app.db'), before)
        return refusals

    def test_no_primary_key(self):
        self.make('CREATE TABLE t (id INTEGER, secret)', "INSERT INTO t VALUES (1, 'Kq-one-1')")
        self.assertIn('primary key', self.refused()[0]['text'])

    def test_another_primary_key(self):
        self.make('CREATE TABLE t (id INTEGER, other INTEGER PRIMARY KEY, secret)', "INSERT INTO t VALUES (1, 2, 'Kq-one-1')")
        self.refused()

    def test_unique_column_without_a_unique_index(self):
        for number, declaration in enumerate(('secret UNIQUE', 'secret, UNIQUE (secret)', 'secret, city, UNIQUE (secret, city)')):
            with self.subTest(declaration=declaration):
                if os.path.exists(self.database):
                    os.unlink(self.database)
                self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, %s)' % declaration,
                          "INSERT INTO t (secret) VALUES ('Kq-one-1')")
                self.assertIn('uni', self.refused()[0]['text'])
                self.assertEqual(number, number)

    def test_unique_index_made_apart(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret)', "INSERT INTO t VALUES (1, 'Kq-one-1')",
                  'CREATE UNIQUE INDEX u ON t (secret)')
        self.refused()

    def test_unique_index_that_would_collide(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT UNIQUE)',
                  "INSERT INTO t VALUES (1, 'Kq-Same-1'), (2, 'kq-same-1')")
        self.hide('Kq-Same-1', 'kq-same-1')
        self.model('  m:\n    table: t\n    fields:\n      secret: { index: { normalize: lowercase, unique: true } }\n')
        before = exact_rows(self.database, 't', ['id', 'secret'], ['id'])
        self.assertTrue(self.bulla('plan', '--json', status=1).json()['plans'][0]['refusals'])
        self.fails('refused', 'apply')
        self.fails('refused', 'finish', '--settle', '0s')
        self.assertEqual(exact_rows(self.database, 't', ['id', 'secret'], ['id']), before)

    def test_foreign_keys_on_the_column(self):
        self.make('CREATE TABLE other (name TEXT PRIMARY KEY)',
                  'CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT REFERENCES other (name))',
                  "INSERT INTO other VALUES ('Kq-one-1')", "INSERT INTO t VALUES (1, 'Kq-one-1')")
        self.assertIn('foreign key', self.refused()[0]['text'])

    def test_foreign_keys_to_the_column(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT UNIQUE)',
                  'CREATE TABLE other (id INTEGER PRIMARY KEY, t_secret REFERENCES t (secret))',
                  "INSERT INTO t VALUES (1, 'Kq-one-1')", "INSERT INTO other VALUES (1, 'Kq-one-1')")
        self.refused('      secret: { index: { unique: true } }\n')

    def test_generated_columns(self):
        self.make("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, secret TEXT AS (a || 'x'))",
                  "INSERT INTO t (id, a) VALUES (1, 'Kq-one-1')")
        self.assertIn('generated', self.refused()[0]['text'])

    def test_generated_from_the_column(self):
        self.make("CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT, initial TEXT AS (substr(secret, 1, 1)))",
                  "INSERT INTO t (id, secret) VALUES (1, 'Kq-one-1')")
        self.refused()

    def test_more_than_sixteen_mebibytes(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret)', ('INSERT INTO t VALUES (1, zeroblob(?))', (16 * MIB + 1,)))
        self.model('  m:\n    table: t\n    fields:\n      secret: {}\n')
        self.sql("INSERT INTO t VALUES (2, 'Kq-small')")
        refusals = self.bulla('plan', '--json', status=1).json()['plans'][0]['refusals']
        self.assertIn('16 MiB', refusals[0]['text'])
        run = self.bulla('apply', status=(1, 3))  # one bad row stops nothing
        if run.status == 3:
            self.assertEqual(self.sql('SELECT pk, reason FROM bulla_quarantine'), [('[1]', 'too_large')])
        self.fails('refused', 'finish', '--settle', '0s')
        self.assertEqual(self.sql('SELECT length(secret) FROM t'), [(16 * MIB + 1,), (8,)])

    def test_missing_table(self):
        self.make('CREATE TABLE other (id INTEGER PRIMARY KEY, secret)')
        self.refused(code='not_found', plan='not_found')
        self.assertIn('other', self.bulla('plan', 'm', status=1).words)

    def test_missing_columns(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secre)')
        self.model('  m:\n    table: t\n    fields:\n      secret: {}\n')
        before = snapshot(self.dir, 'app.db')
        for command in ('plan', 'apply'):
            run = self.bulla(command, 'm', status=1)
            self.assertIn('secret', run.text + run.words)
        self.assertEqual(snapshot(self.dir, 'app.db'), before)

    def test_views_and_virtual_tables(self):
        self.make('CREATE TABLE u (id INTEGER PRIMARY KEY, secret)', 'CREATE VIEW t AS SELECT * FROM u')
        self.model('  m:\n    table: t\n    fields:\n      secret: {}\n')
        self.bulla('plan', 'm', status=1)
        run = self.bulla('apply', 'm', status=1)
        self.assertIn(run.code(), ('refused', 'not_found'))

    def test_columns_that_are_taken(self):
        """A column of the user's that has the name of one of ours, and holds something else."""
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret, secret_ciphertext)',
                  "INSERT INTO t VALUES (1, 'Kq-one-1', 'mine')")
        self.model('  m:\n    table: t\n    fields:\n      secret: {}\n')
        run = self.bulla('apply', 'm', status=(0, 1, 3))  # it may take it for a ciphertext, but then sees that it is none
        if run.status == 1:
            self.assertEqual(run.code(), 'refused')
        else:
            self.bulla('verify', 'm', status=3)
        self.fails('refused', 'finish', 'm', '--settle', '0s')
        self.assertEqual(self.sql('SELECT secret, secret_ciphertext FROM t'), [('Kq-one-1', 'mine')])

    def test_an_encrypted_key_column(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret)')
        self.write('bulla.yaml', harness.CONFIG.format(models='  m:\n    table: t\n    fields:\n      id: {}\n'))
        self.fails('config', 'plan')


if __name__ == '__main__':
    harness.main()
