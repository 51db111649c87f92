"""Tables of every shape come back byte for byte, class for class, through every rung of the ladder."""
import os
import re
import struct
import time

import harness
from harness import exact_rows, found_in_files, quote

MIB = 1 << 20


class Shape(harness.Case):
    """One table, climbed from its plaintext to the end of the ladder and compared on each rung."""

    def make(self, *statements, n=None):
        connection = self.open()
        try:
            for statement in statements:
                connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
        finally:
            connection.close()

    def climb_and_compare(self, table, fields, primary_key=('id',), model=None, options='', warm=(), needles=()):
        """The model is named `m`; `fields` are YAML lines by column."""
        text = model or '  m:\n    table: %s\n    primary_key: [%s]\n%s    fields:\n%s' % (
            yaml(table), ', '.join(map(yaml, primary_key)), options,
            ''.join('      %s: %s\n' % (yaml(name), more) for name, more in fields.items()))
        columns = self.columns(table)
        self.model(text)
        expected = exact_rows(self.database, table, columns, primary_key)
        needles = set(needles)
        self.assertEqual(found_in_files(self.database, needles), needles)
        self.assertEqual(self.bulla('plan', 'm', '--json').json()['plans'][0]['refusals'], [])
        done = self.bulla('apply', 'm', '--json').model()
        self.assertEqual((done['rows'], done['quarantined']), (len(expected), 0))
        self.assertEqual(exact_rows(self.database, table, columns, primary_key), expected)
        self.assertEqual(self.bulla('verify', 'm', '--json').model()['equal'], len(expected))
        self.assert_exports('m', table, columns, expected, primary_key)
        before = self.rest(table, fields)
        self.bulla('finish', 'm', '--settle', '0s')
        self.assertEqual(self.rest(table, fields), before)
        self.assertEqual([c for c in self.columns(table) if c in columns], [c for c in columns if c not in fields])
        self.assertEqual(found_in_files(self.database, needles), set())
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        self.assertEqual(self.sql('PRAGMA foreign_key_check'), [])
        self.assert_exports('m', table, columns, expected, primary_key)
        self.assert_gets(columns, primary_key, expected)
        self.assertEqual(self.bulla('verify', 'm', '--json').model()['equal'], len(expected))
        return expected

    def rest(self, table, fields):
        """The columns that stay: with storage classes, in their order."""
        return exact_rows(self.database, table, [c for c in self.plain_columns(table) if c not in fields],
                          self.primary_key(table))

    def plain_columns(self, table):
        return [c for c in self.columns(table) if not re.search('^encrypted_kms_key|_ciphertext$|_bidx$', c)]

    def primary_key(self, table):
        return [row[1] for row in sorted(self.sql('PRAGMA table_info(%s)' % quote(table)), key=lambda row: row[5]) if row[5]]

    def assert_gets(self, columns, primary_key, expected):
        for row in expected[:3] + expected[-1:]:
            pk = []
            for column in primary_key:
                kind, value = row[columns.index(column)]
                pk += ['--pk', '%s=%s' % (column, value.decode() if kind == 'text' else value)]
            record = self.bulla('get', 'm', *pk, '--json').lines()[0]
            self.assertEqual([harness.json_exact(record[c]) for c in columns], [harness.json_form(value) for value in row])


def yaml(text):
    return '"%s"' % text.replace('\\', '\\\\').replace('"', '\\"')


# --- keys -------------------------------------------------------------------------------------------------------------

class KeyShapes(Shape):
    def test_without_rowid(self):
        self.make('CREATE TABLE t (tenant TEXT, id INTEGER, secret, other, PRIMARY KEY (tenant, id)) WITHOUT ROWID',
                  "INSERT INTO t VALUES ('a', 1, 'Kq-one-1', 1), ('a', 2, NULL, 2), ('b', 1, '', 3), "
                  "('ü,x', 1, 'Kq-two-2', NULL)")
        self.hide('Kq-one-1', 'Kq-two-2')
        self.climb_and_compare('t', {'secret': '{}'}, ('tenant', 'id'), needles=[b'Kq-one-1', b'Kq-two-2'])
        self.assertIn('WITHOUT ROWID', self.sql("SELECT sql FROM sqlite_master WHERE name = 't'")[0][0].upper())

    def test_composite_key_of_a_rowid_table(self):
        self.make('CREATE TABLE t (a INTEGER, b TEXT, secret, PRIMARY KEY (b, a))')
        self.make(*[('INSERT INTO t VALUES (?, ?, ?)', (i % 10, 'k%d' % (i // 10), 'Kq-%05d' % i)) for i in range(100)])
        self.hide('Kq-00007', 'Kq-00099')
        self.climb_and_compare('t', {'secret': '{ index: {} }'}, ('b', 'a'), needles=[b'Kq-00007'])

    def test_text_key(self):
        self.make('CREATE TABLE t (id TEXT PRIMARY KEY, secret)')
        for i, key in enumerate(['plain', '', ' ', 'a,b', "it's", '"q"', '-5', '--json', 'ünï', '\u00fc', 'u\u0308', 'x' * 500,
                                 '7', '07', 'line\nbreak', '=']):
            self.make(('INSERT INTO t VALUES (?, ?)', (key, 'Kq-%05d' % i)))
        expected = self.climb_and_compare('t', {'secret': '{}'}, needles=[b'Kq-00003'])
        for i, key in enumerate(['plain', '', ' ', 'a,b']):
            value = self.bulla('decrypt', '--model', 'm', '--id', key, '--field', 'secret').stdout
            self.assertEqual(value, b'Kq-%05d' % i, repr(key))
        self.assertEqual(len(expected), 16)

    def test_a_key_that_is_no_rowid(self):
        """INT PRIMARY KEY, and shadowed names of the row id."""
        self.make('CREATE TABLE t (id INT PRIMARY KEY, rowid TEXT, oid TEXT, _rowid_ TEXT)',
                  "INSERT INTO t VALUES (3, 'Kq-rowid-3', 'c', 'Kq-_rowid_'), (1, 'Kq-rowid-1', 'a', NULL), (-2, '', 'b', 5)")
        self.climb_and_compare('t', {'rowid': '{}', '_rowid_': '{}'}, needles=[b'Kq-rowid-1'])

    def test_descending_key(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY DESC, secret)',
                  "INSERT INTO t VALUES (1, 'Kq-one-1'), (9223372036854775807, 'Kq-max-1'), (-9223372036854775808, 'Kq-min-1')")
        self.climb_and_compare('t', {'secret': '{}'})

    def test_extreme_row_ids(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret)',
                  "INSERT INTO t VALUES (-9223372036854775808, 'Kq-min-1'), (-1, 'Kq-minus'),"
                  " (0, 'Kq-zero'), (9223372036854775807, 'Kq-max-1')")
        self.climb_and_compare('t', {'secret': '{}'})

    def test_autoincrement_goes_on(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, secret)',
                  "INSERT INTO t VALUES (1, 'Kq-one-1'), (40, 'Kq-two-2')",
                  'DELETE FROM t WHERE id = 40')
        self.climb_and_compare('t', {'secret': '{}'}, needles=[b'Kq-one-1'])
        self.assertEqual(self.sql("SELECT seq FROM sqlite_sequence WHERE name = 't'"), [(40,)])
        self.sql('INSERT INTO t DEFAULT VALUES')
        self.assertEqual(self.sql('SELECT max(id) FROM t'), [(41,)])

    def test_null_in_the_key_is_put_aside_or_refused(self):
        """SQLite lets NULL into a TEXT PRIMARY KEY: such a row has no name."""
        self.make('CREATE TABLE t (id TEXT PRIMARY KEY, secret)',
                  "INSERT INTO t VALUES ('a', 'Kq-one-1'), (NULL, 'Kq-two-2'), (NULL, 'Kq-three')")
        self.model('  m:\n    table: t\n    fields:\n      secret: {}\n')
        run = self.bulla('apply', 'm', status=(1, 3))
        if run.status == 3:
            self.assertEqual(self.sql("SELECT count(*) FROM bulla_quarantine WHERE reason = 'context'")[0][0] > 0, True)
            self.bulla('verify', 'm', status=3)
        else:
            self.assertEqual(run.code(), 'refused')
        self.bulla('finish', 'm', '--settle', '0s', status=1)
        self.assertEqual(self.sql('SELECT count(secret) FROM t'), [(3,)])


# --- names ------------------------------------------------------------------------------------------------------------

class Names(Shape):
    def test_quoted_and_foreign_names(self):
        self.make('CREATE TABLE "Order Détails" ("Id" INTEGER PRIMARY KEY, "E-Mail" TEXT, "Größe (cm)" TEXT, "select" TEXT, '
                  '"a""b" TEXT, "日本" TEXT)',
                  """INSERT INTO "Order Détails" VALUES (1, 'Kq-mail-1', 'Kq-size-1', 'Kq-sel-01', 'Kq-quote', 'Kq-nihon'),
                   (2, NULL, '', 'x', NULL, 'ö')""",
                  'CREATE INDEX "by select" ON "Order Détails" ("select")')
        self.climb_and_compare('Order Détails', {'E-Mail': '{ index: {} }', 'Größe (cm)': '{}', 'a"b': '{}', '日本': '{}'}, ('Id',),
                               needles=[b'Kq-mail-1', b'Kq-nihon'])
        self.assertEqual([r['Id'] for r in self.bulla('search', 'm', 'E-Mail', 'Kq-mail-1', '--json').lines()], [1])

    def test_init_proposes_them(self):
        self.make('CREATE TABLE "Order Détails" ("Id" INTEGER PRIMARY KEY, "E-Mail" TEXT, "on" TEXT)',
                  """INSERT INTO "Order Détails" VALUES (1, 'Kq-mail-1', 'Kq-on-01')""")
        self.bulla('init', '--database', 'sqlite:app.db', '--table', 'Order Détails', '--fields', 'E-Mail,on')
        answer = self.bulla('apply', '--json').model()
        self.climb('verify', 'finish')
        self.assertEqual(self.exported(answer['model']), [{'Id': 1, 'E-Mail': 'Kq-mail-1', 'on': 'Kq-on-01'}])

    def test_case_of_names_does_not_count(self):
        """As in SQL: the schema says users, the database wrote Users."""
        self.make('CREATE TABLE Users (ID INTEGER PRIMARY KEY, EMail TEXT)', "INSERT INTO Users VALUES (1, 'Kq-mail-1')")
        self.model('  m:\n    table: users\n    primary_key: id\n    fields:\n      email: {}\n')
        self.climb()
        self.assertEqual([list(r.values()) for r in self.exported('m')], [[1, 'Kq-mail-1']])

    def test_columns_of_other_names(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT)', "INSERT INTO t VALUES (1, 'Kq-mail-1'), (2, NULL)")
        self.model('  m:\n    table: t\n    fields:\n      address:\n        plaintext: mail\n'
                   '        column: "mail sealed"\n        index: { column: "mail hash" }\n')
        self.climb()
        self.assertEqual([c for c in self.columns('t') if c != 'encrypted_kms_key'], ['id', 'mail sealed', 'mail hash'])
        self.assertEqual([list(r.values()) for r in self.exported('m')], [[1, 'Kq-mail-1'], [2, None]])
        self.assertEqual(len(self.bulla('search', 'm', 'address', 'Kq-mail-1', '--json').lines()), 1)


# --- values -----------------------------------------------------------------------------------------------------------

ODD = [None, 0, 1, -1, 127, 128, 2 ** 31, -2 ** 63, 2 ** 63 - 1, 0.0, -0.0, 1.0, 1.5, 1e308, -1e308, 5e-324, 1e-5, 0.1,
       123456789.125,
       float('inf'), float('-inf'), '', ' ', 'a', 'true', 'NULL', '12', '1e3', '\\x00', 'ünï', '\U0001f600', 'a\0b', '\0',
       'a\r\nb', '"', ',', 'a"b,c',
       '\ufeffbom', '\u202e', b'', b'\0', b'\xff\xfe', bytes(range(256)), b'text', 'x' * 70000, b'\x00' * 70000]


class Values(Shape):
    def fill(self, declaration, values=ODD):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, v %s)' % declaration)
        for value in values:
            self.make(('INSERT INTO t (v) VALUES (?)', (value,)))

    def test_any_keeps_every_storage_class(self):
        self.fill('')
        self.make("INSERT INTO t (v) VALUES (CAST(x'ff' AS TEXT)), (CAST(x'c328' AS TEXT)), (CAST(x'610062' AS TEXT)),"
                  " (CAST(x'eda080' AS TEXT)), (zeroblob(3))")
        expected = self.climb_and_compare('t', {'v': '{ type: any }'})
        self.assertEqual({row[1][0] for row in expected}, {'null', 'integer', 'real', 'text', 'blob'})
        self.assertIn(struct.pack('>d', -0.0), [row[1][1] for row in expected])

    def test_affinities(self):
        for declaration in ('INTEGER', 'REAL', 'NUMERIC', 'TEXT', 'BLOB', 'VARCHAR(10)', 'BOOLEAN', 'DATE'):
            with self.subTest(declaration=declaration):
                for name in ('app.db', 'bulla.yaml'):
                    if os.path.exists(self.path(name)):
                        os.unlink(self.path(name))
                self.fill(declaration)
                self.write('bulla.yaml', harness.CONFIG.format(models='  m:\n    table: t\n    fields:\n      v: {}\n'))
                if not os.path.exists(self.path('.bulla')):
                    self.bulla('init')
                expected = exact_rows(self.database, 't', ['id', 'v'], ['id'])
                self.climb('apply', 'verify', 'finish')
                self.assert_exports('m', 't', ['id', 'v'], expected)

    def test_strict_table(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, i INT, r REAL, s TEXT, b BLOB, a ANY) STRICT')
        rows = [(1, 5, 1.5, 'Kq-text-1', b'Kq-blob-1', 'Kq-any-01'), (2, None, None, None, None, None),
                (3, -2 ** 63, -0.0, '', b'', 5),
                (4, 0, 1e308, 'ünï\0', b'\0', 1.0), (5, 1, float('inf'), 'x', b'x', b'x')]
        self.make(*[('INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)', row) for row in rows])
        self.climb_and_compare('t', {'i': '{ type: integer }', 'r': '{ type: float }', 's': '{ type: string }',
                                     'b': '{ type: binary }', 'a': '{ type: any }'},
                               needles=[b'Kq-text-1', b'Kq-blob-1', b'Kq-any-01'])
        self.assertIn('STRICT', self.sql("SELECT sql FROM sqlite_master WHERE name = 't'")[0][0].upper())

    def test_init_chooses_types_that_hold(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, b BLOB, d DATE, n NUMERIC, x)')
        for i, value in enumerate(ODD):
            self.make(('INSERT INTO t (i, r, s, b, d, n, x) VALUES (?, ?, ?, ?, ?, ?, ?)', (value,) * 7))
        columns = self.columns('t')
        expected = exact_rows(self.database, 't', columns, ['id'])
        self.bulla('init', '--database', 'sqlite:app.db', '--table', 't', '--fields', 'i,r,s,b,d,n,x')
        self.climb()
        self.assert_exports('t', 't', columns, expected)

    def test_typed_fields(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, flag INTEGER, n INTEGER, x REAL, price TEXT, born TEXT, '
                  'doc TEXT, raw BLOB)',
                  "INSERT INTO t VALUES (1, 1, -9223372036854775808, -0.0, '1234567890123456789.10', '1999-12-31', '[1, 2]', x'00ff'),"
                  " (2, 0, 9223372036854775807, 1e308, '-0.5', '0000-00-00', 'null', x''),"
                  ' (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)')
        self.climb_and_compare_typed({'flag': 'boolean', 'n': 'integer', 'x': 'float', 'price': 'decimal', 'born': 'date',
                                      'doc': 'json', 'raw': 'binary'})

    def climb_and_compare_typed(self, types):
        columns = self.columns('t')
        self.model('  m:\n    table: t\n    fields:\n' + ''.join('      %s: { type: %s }\n' % pair for pair in types.items()))
        expected = exact_rows(self.database, 't', columns, ['id'])
        self.climb()
        records = self.exported('m')
        self.assertEqual([[harness.json_exact(r[c]) for c in columns] for r in records],
                         [[harness.json_form(v) for v in row] for row in expected])

    def test_values_that_do_not_fit_their_type(self):
        """Refused by plan, or put aside one by one; never bent."""
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, n)', "INSERT INTO t VALUES (1, 5), (2, 'Kq-a-text'), (3, 1.5), (4, 6)")
        self.hide('Kq-a-text')
        self.model('  m:\n    table: t\n    fields:\n      n: { type: integer }\n')
        run = self.bulla('apply', status=(1, 3))
        if run.status == 3:
            self.assertEqual(sorted(self.sql('SELECT pk, reason FROM bulla_quarantine')), [('[2]', 'type'), ('[3]', 'type')])
        else:
            self.assertEqual(run.code(), 'refused')
        self.fails('refused', 'finish', '--settle', '0s')
        self.assertEqual(self.sql('SELECT n FROM t'), [(5,), ('Kq-a-text',), (1.5,), (6,)])

    def test_padding_sealed_nulls_and_text_columns(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c)',
                  "INSERT INTO t VALUES (1, 'Kq-short', NULL, 'Kq-third'), (2, '', 'Kq-second', NULL), (3, NULL, '', '')")
        self.climb_and_compare('t', {'a': '{ padding: 64 }', 'b': '{ "null": sealed }', 'c': '{ encode: base64, index: {} }'})
        self.assertEqual(self.sql('SELECT count(b_ciphertext), count(DISTINCT length(a_ciphertext)) FROM t'), [(3, 1)])
        self.assertEqual(self.sql("SELECT DISTINCT typeof(c_ciphertext) FROM t WHERE c_ciphertext IS NOT NULL"), [('text',)])

    def test_sixteen_mebibytes(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, v)', ('INSERT INTO t VALUES (1, ?)', (os.urandom(16 * MIB),)),
                  "INSERT INTO t VALUES (2, 'Kq-small')")
        expected = exact_rows(self.database, 't', ['id', 'v'], ['id'])
        self.model('  m:\n    table: t\n    fields:\n      v: { type: binary }\n'.replace('binary', 'any'))
        run = self.bulla('apply', status=(0, 1))
        if run.status == 1:  # any adds its class byte to the value
            self.assertEqual(run.code(), 'refused')
            self.sql("DELETE FROM t WHERE id = 2")
            self.write('bulla.yaml', self.read('bulla.yaml').decode().replace('any', 'binary'))
            expected = expected[:1]
            self.bulla('apply')
        self.climb('verify', 'finish')
        for row in expected:
            value = self.bulla('decrypt', '--model', 'm', '--id', str(row[0][1]), '--field', 'v').stdout
            self.assertEqual(value == row[1][1], True)

    def test_utf16_database(self):
        for encoding in ('UTF-16le', 'UTF-16be'):
            with self.subTest(encoding=encoding):
                if os.path.exists(self.database):
                    os.unlink(self.database)
                self.make('PRAGMA encoding = "%s"' % encoding)
                connection = self.open()
                connection.execute('PRAGMA encoding = "%s"' % encoding)
                connection.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)')
                connection.executemany('INSERT INTO t VALUES (?, ?)', [(1, 'Kq-utf16-ünï'), (2, ''), (3, None), (4, '\U0001f600'),
                                                                       (5, 'Straße')])
                connection.close()
                expected = exact_rows(self.database, 't', ['id', 's'], ['id'])
                needle = 'Kq-utf16'.encode('utf-16-le' if encoding.endswith('le') else 'utf-16-be')
                self.assertEqual(found_in_files(self.database, [needle]), {needle})
                if not os.path.exists(self.path('bulla.yaml')):
                    self.model('  m:\n    table: t\n    fields:\n      s: { index: { normalize: lowercase } }\n')
                self.climb()
                self.assertEqual(found_in_files(self.database, [needle]), set())
                self.assert_exports('m', 't', ['id', 's'], expected)
                self.assertEqual([r['id'] for r in self.bulla('search', 'm', 's', 'STRASSE', '--json').lines()], [5])
                self.assertEqual(self.sql('PRAGMA encoding'), [(encoding,)])


# --- what stands around the column ------------------------------------------------------------------------------------

class Surroundings(Shape):
    def test_views_triggers_and_indexes_of_other_columns_stay(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT, city TEXT DEFAULT \'none\', changed INTEGER DEFAULT 0)',
                  'CREATE TABLE log (what)',
                  'CREATE INDEX t_city ON t (city)', 'CREATE UNIQUE INDEX t_both ON t (id, city) WHERE city <> \'\'',
                  'CREATE VIEW towns AS SELECT city, count(*) AS n FROM t GROUP BY city',
                  'CREATE TRIGGER t_log AFTER UPDATE OF city ON t BEGIN INSERT INTO log VALUES (NEW.city); END',
                  "INSERT INTO t (id, secret, city) VALUES (1, 'Kq-one-1', 'Rome'), (2, 'Kq-two-2', 'Rome'), (3, NULL, 'Oslo')")
        own = self.definitions()
        self.climb_and_compare('t', {'secret': '{}'}, needles=[b'Kq-one-1'])
        kept = self.definitions()
        for name in own:
            if name != 't':
                self.assertEqual(kept.get(name), own[name])
        self.assertEqual(self.sql('SELECT * FROM log'), [])  # the job's writes fired nothing
        self.sql("UPDATE t SET city = 'Bari' WHERE id = 1")
        self.assertEqual(self.sql('SELECT * FROM log'), [('Bari',)])
        self.assertEqual(self.sql('SELECT city, n FROM towns ORDER BY city'), [('Bari', 1), ('Oslo', 1), ('Rome', 1)])

    def definitions(self):
        return {name: sql for name, sql in self.sql("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'bulla%'") if sql}

    def test_triggers_that_fire_are_named_by_plan(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT)', 'CREATE TABLE log (what)',
                  'CREATE TRIGGER t_any AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (NEW.id); END',
                  "INSERT INTO t VALUES (1, 'Kq-one-1')")
        self.model('  m:\n    table: t\n    fields:\n      secret: {}\n')
        self.assertIn('t_any', self.bulla('plan', '--json').text)
        self.climb()
        self.assertEqual([r['secret'] for r in self.exported('m')], ['Kq-one-1'])

    def test_columns_that_cannot_just_be_dropped(self):
        """A CHECK, an index, a view and a trigger name the column: SQLite refuses DROP COLUMN, so the table is rebuilt."""
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT COLLATE NOCASE NOT NULL DEFAULT \'x\', city TEXT, '
                  'n INTEGER CHECK (n >= 0), CHECK (secret <> city))',
                  'CREATE INDEX t_secret ON t (secret)', 'CREATE INDEX t_mixed ON t (city, secret)',
                  'CREATE INDEX t_city ON t (city)',
                  'CREATE INDEX t_part ON t (city) WHERE secret IS NOT NULL',
                  'CREATE VIEW v AS SELECT id, secret FROM t', 'CREATE TABLE log (what)',
                  'CREATE TRIGGER t_log AFTER UPDATE OF secret ON t BEGIN INSERT INTO log VALUES (NEW.secret); END')
        self.make(*[('INSERT INTO t VALUES (?, ?, ?, ?)', (i * 3, 'Kq-%05d' % i, 'city %d' % i, i)) for i in range(1, 60)])
        self.climb_and_compare('t', {'secret': '{}'}, needles=[b'Kq-00031'])
        self.assertEqual(self.sql("SELECT count(*) FROM sqlite_master WHERE name = 't_city'"), [(1,)])
        with self.assertRaises(harness.sqlite3.IntegrityError):
            self.sql('UPDATE t SET n = -1 WHERE id = 3')

    def test_other_tables_that_point_here_lose_nothing(self):
        """A rebuild with foreign keys on would delete what hangs from the old table."""
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT CHECK (length(secret) < 100), '
                  'boss INTEGER REFERENCES t (id) ON DELETE CASCADE)',
                  'CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER NOT NULL REFERENCES t ON DELETE CASCADE, x TEXT)',
                  "INSERT INTO t VALUES (1, 'Kq-one-1', NULL), (2, 'Kq-two-2', 1)",
                  "INSERT INTO child VALUES (1, 1, 'a'), (2, 2, 'b')")
        self.climb_and_compare('t', {'secret': '{}'}, needles=[b'Kq-one-1'])
        self.assertEqual(self.sql('SELECT * FROM child'), [(1, 1, 'a'), (2, 2, 'b')])
        self.assertEqual(self.sql('SELECT "table" FROM pragma_foreign_key_list(\'child\')'), [('t',)])
        self.assertEqual(self.sql('PRAGMA foreign_keys = on', 'DELETE FROM t WHERE id = 1', 'SELECT count(*) FROM child'), [(0,)])

    def test_uniqueness_moves_to_the_index(self):
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT UNIQUE)',
                  "INSERT INTO t VALUES (1, 'Kq-one-1'), (2, 'Kq-two-2'), (3, NULL), (4, NULL)")
        self.climb_and_compare('t', {'email': '{ index: { unique: true } }'}, needles=[b'Kq-one-1'])
        with self.assertRaises(harness.sqlite3.IntegrityError):
            self.sql('INSERT INTO t (id, email_ciphertext, email_bidx, encrypted_kms_key) '
                     'SELECT 5, email_ciphertext, email_bidx, encrypted_kms_key FROM t WHERE id = 1')

    def test_uniqueness_in_a_side_table_costs_no_scan_for_each_row(self):
        """With one the time would grow with the square of the rows: 20 s and more instead of one."""
        self.sql('CREATE TABLE many(id INTEGER PRIMARY KEY, email TEXT UNIQUE)', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 '
                 "FROM n WHERE i < 12000) INSERT INTO many SELECT i, 'mail' || i FROM n")
        self.model('  many: { context: { model_name: Many, model_id: "{id}" }, fields: { email: { index: { unique: true } } } }\n')
        began = time.monotonic()
        self.bulla('apply', '--side-table')
        self.assertLess(time.monotonic() - began, 15)

    def test_generated_columns_of_other_columns_stay(self):
        self.make("CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT, a INTEGER, twice INTEGER AS (a * 2) VIRTUAL,"
                  " thrice INTEGER AS (a * 3) STORED)",
                  "INSERT INTO t (id, secret, a) VALUES (1, 'Kq-one-1', 5), (2, NULL, NULL)")
        self.model('  m:\n    table: t\n    fields:\n      secret: {}\n')
        self.climb()
        self.assertEqual(self.sql('SELECT id, a, twice, thrice FROM t'), [(1, 5, 10, 15), (2, None, None, None)])
        self.assertEqual([r['secret'] for r in self.exported('m')], ['Kq-one-1', None])

    def test_the_files_own_marks_stay(self):
        self.make('PRAGMA page_size = 1024', 'PRAGMA user_version = 77', 'PRAGMA application_id = 4242', 'PRAGMA auto_vacuum = 1',
                  'CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT)', "INSERT INTO t VALUES (1, 'Kq-one-1')",
                  'CREATE TABLE u (x)', 'INSERT INTO u VALUES (5)')
        marks = [self.sql('PRAGMA ' + name) for name in ('page_size', 'user_version', 'application_id', 'auto_vacuum')]
        self.climb_and_compare('t', {'secret': '{}'}, needles=[b'Kq-one-1'])
        self.assertEqual([self.sql('PRAGMA ' + name) for name in ('page_size', 'user_version', 'application_id', 'auto_vacuum')],
                         marks)
        self.assertEqual(self.sql('SELECT x FROM u'), [(5,)])

    def test_wide_rows_and_many_fields(self):
        names = ['f%02d' % i for i in range(64)]
        self.make('CREATE TABLE t (id INTEGER PRIMARY KEY, %s)' % ', '.join(names),
                  ('INSERT INTO t VALUES (1, %s)' % ', '.join('?' * 64), ['Kq-f%04d' % i for i in range(64)]),
                  ('INSERT INTO t VALUES (2, %s)' % ', '.join('?' * 64), [None] * 63 + ['Kq-last1']))
        self.climb_and_compare('t', {name: '{}' for name in names}, needles=[b'Kq-f0063'])


if __name__ == '__main__':
    harness.main()
