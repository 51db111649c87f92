"""The commands beside the ladder: reading records, single values, and how all of them speak."""
import base64
import json
import os
import subprocess

import harness
from harness import PEOPLE_COLUMNS, PEOPLE_MODEL, exact_rows, person


# --- search, get ------------------------------------------------------------------------------------------------------

class Reading(harness.People):
    def test_search_folds_as_the_index_says(self):
        self.people(20, PEOPLE_MODEL.replace('name: {}', 'name: { index: { expression: last4 } }'))
        self.sql("UPDATE people SET email = 'STRASSE@Example.org' WHERE id = 5")
        self.climb()
        for wanted in ('straße@example.org', 'STRASSE@EXAMPLE.ORG'):
            self.assertEqual([r['id'] for r in self.bulla('search', 'people', 'email', wanted, '--json').lines()], [5], wanted)
        self.assertEqual([r['id'] for r in self.bulla('search', 'people', 'name', person(6)[1][-4:], '--json').lines()], [6])
        self.write('value', person(8)[2] + '\n')
        by_file = self.bulla('search', 'people', 'email', '--value-file', 'value', '--json').lines()
        by_stdin = self.bulla('search', 'people', 'email', '--value-file', '-', '--json', stdin=person(8)[2].encode()).lines()
        self.assertEqual([r['id'] for r in by_file + by_stdin], [8, 8])

    def test_search_what_cannot_be(self):
        self.people(5)
        self.climb('apply')
        self.fails('usage', 'search', 'people', 'note', 'x')
        self.fails('usage', 'search', 'people', 'email')
        self.fails('not_found', 'search', 'people', 'nothing', 'x')
        self.fails('not_found', 'search', 'nobody', 'email', 'x')

    def test_numbers_and_texts_are_both_found_in_an_any_field(self):
        self.sql('CREATE TABLE t (id INTEGER PRIMARY KEY, v)', "INSERT INTO t VALUES (1, 12), (2, '12'), (3, 12.0), (4, '012')")
        self.model('  t:\n    fields:\n      v: { index: {} }\n')
        self.climb()
        self.assertEqual(sorted(r['id'] for r in self.bulla('search', 't', 'v', '12', '--json').lines()), [1, 2])

    def test_what_is_not_sealed_is_refused(self):
        """No plaintext fallback: neither NULL nor something stale, but an error, and rows that `export` leaves out and counts."""
        self.people(20)
        self.fails('refused', 'get', 'people', '5', 'name')
        self.assertEqual(self.bulla('export', 'people', '--json', status=3).lines(), [])
        self.climb('apply')
        self.sql("UPDATE people SET name = 'Kq00005z changed' WHERE id = 5")
        self.fails('refused', 'get', 'people', '5')
        self.fails('refused', 'decrypt', '--model', 'people', '--id', '5', '--field', 'name')
        self.assertEqual(self.bulla('get', 'people', '5', 'email', '--json').lines(), [{'email': person(5)[2]}])
        self.assertEqual([r['id'] for r in self.bulla('export', 'people', '--json', status=3).lines()],
                         [i for i in range(1, 21) if i != 5])

    def test_what_is_not_sealed_is_read_in_plaintext_while_migrating(self):
        """Until finish plaintext is the truth, where the schema says so."""
        self.people(20, PEOPLE_MODEL.replace('people:', 'people:\n    migrating: true', 1))
        self.assertEqual(self.bulla('get', 'people', '5', 'name', '--json').lines(), [{'name': person(5)[1]}])
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        self.climb('apply')
        self.sql("UPDATE people SET name = 'Kq00005z changed', email = NULL WHERE id = 5",
                 ('INSERT INTO people (id, name, email, note, salary, city) VALUES (?, ?, ?, ?, ?, ?)', person(21)))
        self.expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        self.assertEqual(self.bulla('get', 'people', '5', 'name', 'email', '--json').lines(),
                         [{'name': 'Kq00005z changed', 'email': None}])
        self.assertEqual(self.bulla('decrypt', '--model', 'people', '--id', '5', '--field', 'name').stdout, b'Kq00005z changed')
        self.assert_exports('people', 'people', PEOPLE_COLUMNS, self.expected)
        self.assertEqual(self.bulla('search', 'people', 'email', person(5)[2], '--json').stdout, b'')

    def test_get_for_people(self):
        self.people(20)
        self.climb()
        text = self.bulla('get', 'people', '5').text
        self.assertRegex(text, r'(?m)^id +5$')
        self.assertIn(person(5)[1], text)
        text = self.bulla('get', 'people', '11').text
        self.assertRegex(text, r'(?m)^name +NULL$')
        self.fails('not_found', 'get', 'people', '99')
        self.fails('not_found', 'get', 'people', '5', 'nothing')
        self.fails('usage', 'get', 'people')
        self.fails('not_found', 'get', 'nobody', '5')

    def test_composite_keys(self):
        self.sql('CREATE TABLE orders (tenant_id INTEGER, id INTEGER, address TEXT, PRIMARY KEY (tenant_id, id))',
                 "INSERT INTO orders VALUES (7, 42, 'Kq00042z Lane'), (7, 43, 'Kq00043z Road'), (8, 42, NULL)")
        self.hide('Kq00042z', 'Kq00043z')
        self.model('  orders:\n    primary_key: [tenant_id, id]\n    fields:\n      address: {}\n')
        self.climb()
        whole = {'tenant_id': 7, 'id': 42, 'address': 'Kq00042z Lane'}
        self.assertEqual(self.bulla('get', 'orders', '7,42', '--json').lines(), [whole])
        self.assertEqual(self.bulla('get', 'orders', '--pk', 'id=42', '--pk', 'tenant_id=7', 'address', '--json').lines(),
                         [{'address': 'Kq00042z Lane'}])
        self.assertEqual(self.bulla('get', 'orders', '8,42', 'address', '--json').lines(), [{'address': None}])
        self.fails('usage', 'get', 'orders', '7')
        self.fails('usage', 'get', 'orders', '7,42,1')
        self.fails('usage', 'get', 'orders', '--pk', 'id=42')
        self.fails('not_found', 'get', 'orders', '42,7')
        self.assertEqual(self.bulla('decrypt', '--model', 'orders', '--id', '7,43', '--field', 'address').stdout,
                         b'Kq00043z Road')

    def test_an_empty_table(self):
        self.people(0)
        self.climb()
        self.assertEqual(self.exported('people'), [])
        self.bulla('export', 'people')
        self.assertEqual(self.bulla('search', 'people', 'email', 'a@b.c', '--json').stdout, b'')


# --- single values ----------------------------------------------------------------------------------------------------

class Values(harness.People):
    def box(self, value, *options, **more):
        return self.bulla('encrypt', *options, stdin=value, **more).stdout

    def test_boxes(self):
        self.bulla('init')
        for value in (b'', b'x', b'Kq-secret-token', bytes(range(256)) * 16, 'Kq-ünïcode\n'.encode()):
            box = self.box(value, '--context', 'service=billing', '--context', 'kind=token')
            self.assertRegex(box, rb'\Ab1:[A-Za-z0-9+/]+=*\n\Z')
            opened = self.bulla('decrypt', '--context', 'kind=token', '--context', 'service=billing', stdin=box)
            self.assertEqual(opened.stdout, value)
        self.fails('too_large', 'encrypt', stdin=bytes(4097))
        self.assertNotEqual(self.box(b'same'), self.box(b'same'))

    def test_wrong_context_names_the_part(self):
        self.bulla('init')
        self.hide('Kq-secret-token')
        box = self.box(b'Kq-secret-token', '--context', 'service=billing', '--context', 'kind=token')
        run = self.fails('context', 'decrypt', '--context', 'service=shipping', '--context', 'kind=token', stdin=box)
        self.assertRegex(run.words.split('\n')[0], r'\bservice\b')
        self.assertNotRegex(run.words.split('\n')[0], r'\bkind\b')
        self.assertEqual(run.stdout, b'')
        run = self.fails('context', 'decrypt', '--json', '--context', 'service=billing', '--context', 'kind=key', stdin=box)
        self.assertIn('kind', run.json()['error']['message'])
        for fewer in ((), ('--context', 'service=billing')):  # the checks of another number of pairs cannot be compared
            run = self.bulla('decrypt', *fewer, stdin=box, status=1)
            self.assertIn(run.code(), ('context', 'auth'))
            self.assertIn('context', run.words)
            self.assertEqual(run.stdout, b'')

    def test_boxes_that_are_none(self):
        self.bulla('init')
        self.hide('Kq-secret-token')
        box = base64.b64decode(self.box(b'Kq-secret-token')[3:])
        for damaged in (b'b1:', b'', b'hello', b'b1:!!!!\n', b'b1:' + base64.b64encode(box[:40]) + b'\n'):
            run = self.bulla('decrypt', stdin=damaged, status=1)
            self.assertIn(run.code(), ('format', 'version', 'encoding', 'auth', 'unknown_key'), str(run))
        for at in range(0, len(box), 7):
            flipped = box[:at] + bytes([box[at] ^ 4]) + box[at + 1:]
            salt = 1 <= at < 33  # of the checks, which are advice: it may open, to the same value
            run = self.bulla('decrypt', stdin=b'b1:' + base64.b64encode(flipped) + b'\n', status=(0, 1) if salt else 1)
            if run.status:
                self.assertIn(run.code(), ('format', 'version', 'auth', 'context', 'unknown_key', 'not_found'),
                              'byte %d\n%s' % (at, run))
            self.assertEqual(run.stdout, b'' if run.status else b'Kq-secret-token')

    def test_binary_boxes_and_keys_by_name(self):
        self.bulla('init')
        self.bulla('key', 'create', 'billing')
        box = self.box(b'Kq-secret-token', '--binary', '--key', 'local')
        self.assertEqual(box[:1], b'\2')
        self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'Kq-secret-token')
        run = self.bulla('encrypt', '--key', 'local/nothing', stdin=b'x', status=1)
        self.assertIn(run.code(), ('not_found', 'unknown_key', 'usage', 'config'))

    def test_a_field_of_a_record(self):
        self.people(20)
        self.climb('apply')
        for when in ('before', 'after'):
            for field, value in (('name', person(7)[1]), ('note', person(7)[3]), ('email', person(7)[2])):
                run = self.bulla('decrypt', '--model', 'people', '--id', '7', '--field', field)
                self.assertEqual(run.stdout, value.encode(), '%s %s finish' % (field, when))
            if when == 'before':
                self.climb('verify', 'finish')
        self.fails('not_found', 'decrypt', '--model', 'people', '--id', '99', '--field', 'name')
        self.fails('usage', 'decrypt', '--model', 'people', '--id', '7')
        self.fails('usage', 'decrypt', '--model', 'people', '--id', '7', '--field', 'name', '--context', 'a=b')

    def test_sealing_a_value_for_a_record(self):
        """The ciphertext goes to standard output, opens in its own field of its own record, and nothing is written."""
        self.people(20)
        self.climb()
        self.hide('Kq-new-name')
        before = self.exported('people')
        here = ('--model', 'people', '--id', '7', '--field')
        for field, value in (('name', 'Kq-new-name'), ('email', 'Kq-New@Mail.org'), ('note', '')):
            sealed = self.bulla('encrypt', *here, field, stdin=value.encode()).stdout
            self.assertNotIn(b'Kq', sealed)
            self.assertEqual(self.bulla('decrypt', *here, field, stdin=sealed).stdout, value.encode())
            for place in (('--model', 'people', '--id', '8', '--field', field), (*here, 'name' if field != 'name' else 'email')):
                self.fails('auth', 'decrypt', *place, stdin=sealed)
        self.assertEqual(self.exported('people'), before)
        self.fails('not_found', 'encrypt', '--model', 'people', '--id', '99', '--field', 'name', stdin=b'x')

    def test_several_processes_at_once(self):
        """One store, one log, one table: many commands."""
        self.people(50)
        self.climb()
        children = [self.start('export', 'people') for _ in range(3)]
        for i in range(1, 6):
            children += [self.start('encrypt', '--context', 'n=%d' % i), self.start('get', 'people', str(i))]
        children += [self.start('key', 'create', 'k%d' % i) for i in range(3)]
        runs = [self.wait(child) for child in children]
        self.assertEqual(len({run.stdout for run in runs[:3]}), 1)
        self.assertEqual(len(self.bulla('key', 'list', '--json').json()['keys']), 4)
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def test_inspect_needs_no_keys(self):
        self.people(10)
        self.climb('apply')
        box = self.box(b'Kq-secret-token')
        self.write('bulla.yaml', 'not even yaml: [')
        field, key = self.sql('SELECT name_ciphertext, encrypted_kms_key FROM people WHERE id = 5')[0]
        for given, words in ((field, 'field'), (key, 'key'), (base64.b64decode(box[3:]), 'box')):
            seen = self.bulla('inspect', '--json', stdin=given).json()['ciphertext']
            self.assertIn(words, json.dumps(seen).lower())
            for text in (given.hex(), base64.b64encode(given).decode()):
                self.assertEqual(self.bulla('inspect', '--json', text).json()['ciphertext'], seen)
            self.assertEqual(self.bulla('inspect', '--json', stdin=given.hex().encode() + b'\n').json()['ciphertext'], seen)
        self.assertIn('box', self.bulla('inspect', stdin=box).text)
        self.bulla('inspect', 'hello world', status=1)


# --- how it speaks ----------------------------------------------------------------------------------------------------

class Manners(harness.People):
    def test_wrong_command_lines(self):
        for args in (('aply',), ('apply', '--flow'), ('apply', 'a', 'b'), ('key',), ('key', 'rotat'),
                     ('apply', '--workers', 'many'),
                     ('apply', '--workers'), ('finish', '--settle', 'soon'), ('verify', '--sample', '0'), ('get',), ('-z',),
                     ('apply', '--follow=yes'), ('encrypt', '--context', 'novalue'), ('init', '--fields', 'a')):
            self.fails('usage', *args)
            self.fails('usage', '--json', *args)
        self.fails('usage', 'aply', '--json')
        self.assertIn('apply', self.fails('usage', 'aply').words)
        self.assertIn('--follow', self.fails('usage', 'apply', '--flow').words)

    def test_help_and_version(self):
        self.assertRegex(self.bulla('version').text, r'\d+\.\d+\.\d+')
        self.assertEqual(self.bulla('--version').text, self.bulla('version').text)
        listed = self.bulla('help').text
        for command in ('init', 'plan', 'apply', 'verify', 'finish', 'status', 'search', 'get', 'export', 'encrypt', 'decrypt',
                        'inspect',
                        'key list', 'key create', 'key rotate', 'key enable', 'key disable', 'kms backup', 'kms restore',
                        'kms rekey',
                        'audit show', 'audit lookup', 'audit verify', 'audit export', 'audit adopt'):
            self.assertIn(command, listed)
            self.assertTrue(self.bulla('help', *command.split()).text.strip(), command)
            self.assertTrue(self.bulla(*command.split(), '--help').text.strip(), command)

    def test_without_a_project(self):
        for args in (('apply',), ('plan',), ('status',), ('key', 'list'), ('audit', 'verify'), ('encrypt',)):
            self.fails('not_found', *args)
            self.assertIn('init', self.fails('not_found', *args, '--json').json()['error']['next'])
        self.assertEqual(os.listdir(self.dir), [])

    def test_quiet(self):
        self.people(10)
        self.assertEqual([line for line in self.bulla('apply', '--quiet').words.splitlines() if 'warning' not in line], [])
        self.assertEqual(self.bulla('verify', '-q', '--json').words, '')

    def test_a_reader_that_goes(self):
        self.people(200)
        self.climb('apply')
        read, write = os.pipe()
        os.close(read)
        child = self.start('export', 'people')
        self.wait(child)
        done = subprocess.run([harness.settings['command'], 'export', 'people'], stdout=write, stderr=subprocess.PIPE,
                              cwd=self.dir,
                              env=self.environment(), timeout=harness.LONG, check=False)
        os.close(write)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_a_full_output(self):
        if not os.path.exists('/dev/full'):
            self.skipTest('no /dev/full')
        self.people(200)
        self.climb('apply')
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([harness.settings['command'], 'export', 'people'], stdout=full, stderr=subprocess.PIPE,
                                  cwd=self.dir,
                                  env=self.environment(), timeout=harness.LONG, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb'bulla: full: ')

    def test_progress_as_json_lines(self):
        """Lines of progress, where there are any, are objects of their own before the answer."""
        self.people(400)
        self.assertTrue(self.bulla('apply', '--json').json()['ok'])
        self.assertTrue(self.bulla('verify', '--json').json()['ok'])


if __name__ == '__main__':
    harness.main()
