"""Columns that look like personal data: planted ones are found, look-alikes are not, and no value is ever said."""
import os
import random

import harness


def luhn(digits):
    """The digits with their check digit."""
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def iban(number):
    body = '37040044%010d' % number
    return 'DE%02d%s' % (98 - int(body + '131400') % 97, body)


def bsn(number):
    digits = '%08d' % number
    rest = sum(int(d) * w for d, w in zip(digits, range(9, 1, -1))) % 11
    return digits + str(rest) if rest < 10 else None


SHOP = [
    'CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, "E-Mail" TEXT, mobile TEXT, born DATE, home_address TEXT, '
    'burgerservicenummer INTEGER, created_at TEXT, loyalty_no TEXT, newsletter INTEGER)',
    'CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, file_name TEXT, price REAL, released TEXT)',
    'CREATE TABLE payments (reference TEXT PRIMARY KEY, paid_with TEXT, account TEXT, tracking TEXT, order_no INTEGER, '
    'firmware_version TEXT) WITHOUT ROWID',
    'CREATE TABLE visits (customer_id INTEGER REFERENCES customers(id), remote TEXT, at TEXT, note TEXT)',
    'CREATE TABLE empty (email TEXT, whatever TEXT)',
]
ROWS = 300


class Scanning(harness.Case):
    def setUp(self):
        super().setUp()
        self.values = set()
        self.shop()
        self.hide(*self.values)

    def secret(self, text):
        self.values.add(str(text))
        return text

    def shop(self):
        draw = random.Random(4)
        self.sql(*SHOP)
        db = self.open()
        db.execute('BEGIN')
        for i in range(1, ROWS + 1):
            number = next(filter(None, (bsn(draw.randrange(10 ** 7, 10 ** 8)) for _ in range(50))))
            db.execute('INSERT INTO customers VALUES (?,?,?,?,?,?,?,?,?,?)', (
                i, self.secret('Kq%s Smith' % ''.join(draw.choices('abcdefgh', k=8))), self.secret('kq%05dz@example.org' % i),
                self.secret('+49 171 %07d' % (i * 31337 % 10 ** 7)), self.secret('%d-%02d-%02d' % (1930 + i % 70, 1 + i % 12, 1 + i % 28)),
                self.secret('%d Elm Street, Town %d' % (i, i)), number, '2024-01-%02d 10:00:00' % (1 + i % 28), '%012d' % i, i % 2))
            db.execute('INSERT INTO products VALUES (?,?,?,?,?)', (i, 'Chair %d' % i if i % 2 else 'Table', 'pic.png', 1.5, '1999-01-01'))
            db.execute('INSERT INTO payments VALUES (?,?,?,?,?,?)', (
                'R%06d' % i, self.secret(luhn('4%014d' % draw.randrange(10 ** 14))), self.secret(iban(draw.randrange(10 ** 9))),
                '%016d' % draw.randrange(10 ** 16), 4 * 10 ** 15 + draw.randrange(10 ** 15), '1.2.%d.%d' % (i % 9, i % 7)))
            db.execute('INSERT INTO visits VALUES (?,?,?,?)', (
                i, self.secret('192.0.2.%d' % (i % 250)), '2024-05-05',
                self.secret('write to note%05d@example.org, please' % i) if i % 3 == 0 else 'nothing'))
        db.execute('COMMIT')
        db.close()

    def findings(self, *args):
        run = self.bulla('scan', '--json', *args)
        found = [f for database in run.json()['databases'] for f in database['findings']]
        return {'%s.%s' % (f['table'], f['column']): f for f in found}

    def test_planted_columns(self):
        found = self.findings('--database', 'sqlite:app.db')
        wanted = {
            'customers.name': ('name', 'medium'), 'customers.E-Mail': ('email', 'high'), 'customers.mobile': ('phone', 'high'),
            'customers.born': ('birth_date', 'high'), 'customers.home_address': ('address', 'high'),
            'customers.burgerservicenummer': ('nl_bsn', 'high'), 'payments.paid_with': ('card', 'high'),
            'payments.account': ('iban', 'high'), 'visits.remote': ('ip', 'high'), 'visits.note': ('email', 'medium'),
            'empty.email': ('email', 'low'),
        }
        self.assertEqual({name: (f['kind'], f['confidence']) for name, f in found.items()}, wanted)
        self.assertEqual(found['customers.E-Mail']['because'], ['name', 'values'])
        self.assertEqual((found['customers.E-Mail']['values'], found['customers.E-Mail']['matching']), (ROWS, ROWS))
        self.assertEqual(found['visits.note']['because'], ['text'])
        self.assertEqual(found['visits.note']['matching'], ROWS // 3)
        self.assertEqual(found['visits.note']['obstacle'], 'its table has no primary key')

    def test_the_proposal_works(self):
        run = self.bulla('scan', '--database', 'sqlite:app.db', '--table', 'customers', '--table', 'payments')
        line = run.text.splitlines()[-1]
        self.assertEqual(line, 'bulla init --database sqlite:app.db --table customers --fields '
                               'name,E-Mail,mobile,born,home_address,burgerservicenummer --table payments --fields paid_with,account')
        self.assertEqual(run.next, line)
        self.bulla(*line.split()[1:])
        self.bulla('plan', '--json')

    def test_after_the_models_are_there(self):
        """What a model names is said to be its; what it has sealed is not looked at."""
        self.bulla('init', '--database', 'sqlite:app.db', '--table', 'customers', '--fields', 'mobile,born')
        found = self.findings()
        self.assertEqual(found['customers.mobile']['model'], 'customers')
        self.assertFalse(found['customers.mobile']['proposed'])
        self.assertIsNone(found['customers.E-Mail']['model'])
        run = self.bulla('scan')
        self.assertIn('in model customers, there until finish', run.text)
        self.assertRegex(run.text.splitlines()[-1], r'^bulla init --config bulla\.scan\.yaml --database sqlite:app\.db ')
        self.climb()
        after = self.bulla('scan', '--json').json()['databases'][0]
        self.assertEqual(after['sealed_columns'], 3)
        self.assertEqual([f['column'] for f in after['findings'] if f['column'].startswith(('mobile', 'born', 'encr'))], [])
        self.assertEqual(self.findings('--database', 'sqlite:app.db').keys(), self.findings('--database', 'main').keys())

    def test_a_sample_reaches_everywhere(self):
        """A table whose first half is empty of e-mail is seen through a sample, with holes in its row ids and without a row id."""
        for name, rest in (('wide', ''), ('keyed', ' WITHOUT ROWID')):
            self.sql('CREATE TABLE %s (id INTEGER PRIMARY KEY, contact TEXT)%s' % (name, rest),
                     'INSERT INTO %s WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) '
                     "SELECT i * i, CASE WHEN i > 10000 THEN 'kq' || i || '@example.org' ELSE '-' END FROM n" % name)
            for _ in range(3):
                found = self.findings('--database', 'sqlite:app.db', '--table', name, '--sample', '200')['%s.contact' % name]
                self.assertEqual(found['kind'], 'email')
                self.assertEqual(found['values'], 200)
                self.assertGreater(found['matching'], 60)
        exact = self.findings('--database', 'sqlite:app.db', '--table', 'wide', '--sample', '50000')['wide.contact']
        self.assertEqual((exact['values'], exact['matching']), (20000, 10000))

    def test_nothing_is_written(self):
        with self.unchanged():
            self.bulla('scan', '--database', 'sqlite:app.db')
        self.assertEqual(os.listdir(self.dir), ['app.db'])

    def test_nothing_found(self):
        self.sql('DROP TABLE customers', 'DROP TABLE payments', 'DROP TABLE visits', 'DROP TABLE empty')
        run = self.bulla('scan', '--database', 'sqlite:app.db')
        self.assertIn('nothing looks like personal data', run.text)

    def test_wrong(self):
        self.fails('not_found', 'scan')
        self.fails('not_found', 'scan', '--database', 'sqlite:none.db')
        self.fails('not_found', 'scan', '--database', 'sqlite:app.db', '--table', 'none')
        self.fails('config', 'scan', '--database', 'mysql://nobody:secret@host/db')
        self.fails('usage', 'scan', '--database', 'sqlite:app.db', '--sample', '0')
        self.write('bulla.yaml', 'version: 1\n')
        self.fails('not_found', 'scan')
        self.fails('config', 'scan', '--database', 'other')
        self.assertNotIn('secret', ''.join(run.words for run in self.runs))

    def test_names_that_a_shell_would_take_apart(self):
        self.sql('CREATE TABLE "it\'s $HOME" (id INTEGER PRIMARY KEY, "e mail" TEXT, "email,2" TEXT)',
                 "INSERT INTO \"it's $HOME\" VALUES (1, 'kq@example.org', 'kq@example.org')")
        found = self.findings('--database', 'sqlite:app.db', '--table', "it's $HOME")
        self.assertEqual(found["it's $HOME.email,2"]['obstacle'], 'its name has a comma')
        line = self.bulla('scan', '--database', 'sqlite:app.db', '--table', "it's $HOME").text.splitlines()[-1]
        self.assertTrue(line.endswith("--table 'it'\\''s $HOME' --fields 'e mail'"), line)


if __name__ == '__main__':
    harness.main()
