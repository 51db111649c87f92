"""What the functional tests share: the command in a directory of its own, how it must answer, and tables compared byte for byte.

A test file is run as `python3 test_X.py BUILD_DIR [unittest's own arguments]`; its last line is what tools/check counts.
"""
import base64
import contextlib
import datetime
import json
import math
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LONG = 120  # seconds that one command may take on a busy machine
DATA = ('get', 'export', 'search', 'decrypt')  # commands whose stdout is the user's own plaintext
CONFIG = '''version: 1
environments:
  development: {{ key: local }}
databases:
  main: {{ url: "sqlite:app.db" }}
models:
{models}'''

settings = {'command': None, 'build': None}


def shared():
    return os.environ.get('BULLA_SHARED') or os.path.join(os.path.dirname(ROOT), 'shared')


def scratch():
    """Where the directories are made: in memory where there is plenty, since each run waits for the disk several times."""
    memory = '/dev/shm'
    if 'TMPDIR' in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return None
    there = os.statvfs(memory)
    return memory if there.f_bavail * there.f_frsize > 1 << 30 else None


def error_codes():
    """The names of the error enum: what may stand behind `bulla:`."""
    with open(os.path.join(ROOT, 'include', 'bulla', 'error.h'), encoding='utf-8') as header:
        return {name.lower() for name in re.findall(r'^\tBULLA_ERR_(\w+) = \d+', header.read(), re.M)}


CODES = error_codes()


# --- one run of the command -------------------------------------------------------------------------------------------

class Run:
    """How one run ended, and what it said."""

    def __init__(self, args, status, stdout, stderr):
        self.args, self.status, self.stdout, self.stderr = args, status, stdout, stderr

    def __str__(self):
        return 'bulla %s: exit status %s\n--- stdout\n%s\n--- stderr\n%s' % (
            ' '.join(map(str, self.args)), self.status, self.stdout[:4000].decode('utf-8', 'replace'),
            self.stderr[:4000].decode('utf-8', 'replace'))

    @property
    def text(self):
        return self.stdout.decode('utf-8')

    @property
    def words(self):
        return self.stderr.decode('utf-8')

    @property
    def next(self):
        found = re.findall(r'^Next: (.*)$', self.words, re.M)
        return found[-1] if found else None

    def lines(self):
        """stdout as JSON lines."""
        return [json.loads(line) for line in self.stdout.decode('utf-8').split('\n') if line]

    def json(self):
        """The one object of the answer; lines of progress may stand before it."""
        lines = self.lines()
        strangers = [line for line in lines[:-1] if set(line) != {'progress'}]
        if not lines or strangers:
            raise AssertionError('not exactly one JSON object\n%s' % self)
        return lines[-1]

    def code(self):
        """The code of the error that it ended with."""
        found = re.findall(r'^bulla: ([a-z_]+): .+$', self.words, re.M)
        found = [code for code in found if code != 'warning']
        if len(found) != 1 or found[0] not in CODES:
            raise AssertionError('not exactly one line "bulla: code: text": %s\n%s' % (found, self))
        return found[0]

    def model(self):
        """The only model of a job's answer."""
        models = self.json()['models']
        if len(models) != 1:
            raise AssertionError('not one model\n%s' % self)
        return models[0]


def check_manners(run):
    """What every run owes: words on stderr, data on stdout, one last line `Next:`, errors in one form."""
    def owe(true, what):
        if not true:
            raise AssertionError('%s\n%s' % (what, run))
    is_json, quiet = '--json' in run.args, bool({'--quiet', '-q'} & set(run.args))
    words = run.words.split('\n')
    owe(words[-1] == '', 'stderr does not end with a line break')
    nexts = [i for i, line in enumerate(words) if line.startswith('Next:')]
    refused = run.status in (1, 2, 130) and any(re.match(r'bulla: (?!warning)[a-z_]+: ', line) for line in words)
    if refused or not quiet:
        owe(len(nexts) == 1 and nexts[0] == len(words) - 2, 'not one line "Next:" at the end of stderr')
        owe(len(words[nexts[0]]) > len('Next: '), 'an empty "Next:"')
    owe('\033' not in run.words, 'colours without a terminal')
    if run.status in (2, 130):
        owe(refused, 'a failure without its line')
    if refused:
        code = run.code()
        owe((run.status == 2) == (code == 'usage'), 'exit status 2 is for usage and usage alone')
        owe((run.status == 130) == (code == 'interrupted'), 'exit status 130 is for an interruption and nothing else')
        if is_json:
            last = (run.lines() or [{}])[-1]
            owe(last.get('ok') is False and set(last) == {'ok', 'error'}, 'not an error object')
            owe(set(last['error']) == {'code', 'message', 'next'}, 'members of the error object')
            owe(last['error']['code'] == code and last['error']['message'] and last['error']['next'], 'the error object')
        else:
            owe(run.stdout == b'' or run.args[0] in DATA, 'stdout holds more than data')
    owe(run.status in (0, 1, 2, 3, 130), 'an exit status that is not in the manual')


# --- a project of its own ---------------------------------------------------------------------------------------------

class Case(unittest.TestCase):
    """A test with a directory; every run is checked for its manners, and at the end for secrets in what was said and written."""
    maxDiff = 4000

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='bulla-functional-', dir=scratch())
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.runs, self.secrets, self.children = [], set(), []
        self.database = self.path('app.db')

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def environment(self, more=None):
        keep = {name: value for name, value in os.environ.items()
                if not name.startswith('BULLA_') and name not in ('KMS_KEY_ID', 'NO_COLOR')}
        return {**keep, 'LC_ALL': 'C.UTF-8', **(more or {})}

    def ahead(self, **of_timedelta):
        """The environment of a command for which so much time has passed."""
        if os.environ.get('BULLA_SANITIZED'):
            self.skipTest('the clock is turned by a library that is loaded first, and sanitizers want to be that themselves')
        library = os.path.join(settings['build'], 'tests', 'functional', 'libclock.so')
        self.assertTrue(os.path.exists(library), library)
        return {'LD_PRELOAD': library, 'CLOCK_AHEAD': '%d' % datetime.timedelta(**of_timedelta).total_seconds()}

    def bulla(self, *args, status=0, stdin=b'', env=None, cwd=None, timeout=LONG, manners=True, **popen):
        """Runs the command to its end, which must be `status` (one, or one of several)."""
        done = subprocess.run([settings['command'], *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False,
                              cwd=cwd or self.dir, env=self.environment(env), timeout=timeout, **popen)
        run = Run(args, done.returncode, done.stdout, done.stderr)
        return self.ended(run, status, manners)

    def ended(self, run, status=0, manners=True):
        self.runs.append(run)
        wanted = status if isinstance(status, tuple) else (status,)
        self.assertIn(run.status, wanted, str(run))
        if manners and not {'help', 'version', '--help', '--version'} & set(run.args) and run.args:
            check_manners(run)
        return run

    def fails(self, code, *args, **more):
        """A run that must fail with this code."""
        run = self.bulla(*args, status=2 if code == 'usage' else 1, **more)
        self.assertEqual(run.code(), code, str(run))
        return run

    def start(self, *args, env=None, **popen):
        """A run in the background; wait() it."""
        out, errors = tempfile.TemporaryFile(dir=self.dir), tempfile.TemporaryFile(dir=self.dir)
        child = subprocess.Popen([settings['command'], *args], stdin=subprocess.DEVNULL, stdout=out, stderr=errors, cwd=self.dir,
                                 env=self.environment(env), **popen)
        child.said, child.words, child.asked = out, errors, args
        self.children.append(child)
        return child

    def wait(self, child, status=0, timeout=LONG, manners=True):
        child.wait(timeout)
        child.said.seek(0)
        child.words.seek(0)
        return self.ended(Run(child.asked, child.returncode, child.said.read(), child.words.read()), status, manners)

    def tearDown(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                child.wait()
            child.said.close()
            child.words.close()
        self.check_secrets()

    # --- the project ---
    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)

    def read(self, *parts):
        with open(self.path(*parts), 'rb') as file:
            return file.read()

    def model(self, text, config=CONFIG):
        """bulla.yaml with these models (indented by two), and its key store."""
        self.write('bulla.yaml', config.format(models=text))
        self.bulla('init')

    def sql(self, *statements, database=None):
        """Runs statements and closes; rows of the last one."""
        rows = []
        connection = self.open(database)
        try:
            for statement in statements:
                rows = connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
                rows = rows.fetchall()
        finally:
            connection.close()
        return rows

    def open(self, database=None):
        connection = sqlite3.connect(database or self.database, timeout=60, isolation_level=None, check_same_thread=False)
        connection.text_factory = lambda text: text.decode('utf-8', 'surrogateescape')
        return connection

    def columns(self, table):
        return [row[1] for row in self.sql('PRAGMA table_info(%s)' % quote(table))]

    def climb(self, *steps):
        """The ladder up to its end, or the steps that are named."""
        for step in steps or ('apply', 'verify', 'finish'):
            self.bulla(step, *(['--settle', '0s'] if step == 'finish' else []))

    def store(self, *statements):
        """SQL on the key store, and no log of it left beside it."""
        return self.sql(*statements, 'PRAGMA wal_checkpoint(TRUNCATE)', database=self.path('.bulla', 'kms.db'))

    @contextlib.contextmanager
    def unchanged(self, *names):
        """The files, or those that are named, must not change meanwhile."""
        before = snapshot(self.dir, *names)
        yield
        after = snapshot(self.dir, *names)
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        self.assertEqual(changed, [], 'these files changed')

    # --- secrets ---
    def hide(self, *values):
        """Values that nobody may find in what bulla says or keeps beside the user's columns."""
        for value in values:
            raw = value.encode() if isinstance(value, str) else bytes(value)
            self.assertGreater(len(raw), 5, 'too short to be searched for')
            self.secrets.add(raw)

    def root_key_forms(self):
        """The root keys of the project in every form that somebody could print them in."""
        forms = set()
        for name in ('root.key', 'escrow.key'):
            if not os.path.isfile(self.path('.bulla', name)):
                continue
            for key in key_bytes(self.read('.bulla', name)):
                forms |= {key, key.hex().encode(), key.hex().upper().encode(), base64.b64encode(key),
                          base64.urlsafe_b64encode(key)}
        return {form for form in forms if len(form) > 5}

    def check_secrets(self):
        keys = self.root_key_forms()
        for run in self.runs:
            said = [('stderr', run.stderr)] + ([] if run.args and run.args[0] in DATA else [('stdout', run.stdout)])
            for stream, text in said + [('stdout', run.stdout)]:
                self.refuse(keys, text, '%s of bulla %s' % (stream, run.args))
            for stream, text in said:
                self.refuse(self.secrets, text, '%s of bulla %s' % (stream, run.args))
        if os.path.isdir(self.path('.bulla')):
            for name in files_below(self.path('.bulla')):
                with open(name, 'rb') as file:
                    content = file.read()
                self.refuse(self.secrets, content, name)
                if not name.endswith('.key') and '.key.' not in os.path.basename(name):
                    self.refuse(keys, content, name)
        self.refuse_in_books(keys)

    def refuse_in_books(self, keys):
        """bulla's own tables, and its columns in the user's."""
        if not os.path.isfile(self.database):
            return
        try:
            tables = [row[0] for row in self.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        except sqlite3.DatabaseError:
            return  # a test has broken it on purpose
        for table in tables:
            ours = table.startswith('bulla_') or table.endswith('_bulla')
            names = [c for c in self.columns(table) if ours or re.search('^encrypted_kms_key|_ciphertext$|_bidx', c)]
            for column in names:
                cells = self.sql('SELECT CAST(%s AS BLOB) FROM %s' % (quote(column), quote(table)))
                self.refuse(self.secrets | keys, b'\n'.join(cell for cell, in cells if cell), '%s.%s' % (table, column))

    def refuse(self, secrets, content, where):
        for secret in secrets:
            if secret in content:
                self.fail('a secret (%d bytes, %s...) is in %s' % (len(secret), secret[:6].hex(), where))

    # --- comparing ---
    def exported(self, model):
        """Every record as JSON: column to value."""
        return self.bulla('export', model, '--json').lines()

    def assert_exports(self, model, table, columns, expected, key=()):
        """CSV and JSON of `export` are the rows `expected`, which exact_rows() gave; with `key`, its columns, in any order."""
        records = self.exported(model)
        self.assertEqual(len(records), len(expected))
        if key:
            by_key = {tuple(json_form(row[columns.index(c)]) for c in key): row for row in expected}
            expected = [by_key.pop(tuple(json_exact(record[c]) for c in key)) for record in records]
        for record, row in zip(records, expected):
            self.assertEqual(list(record), columns)
            self.assertEqual([json_exact(record[c]) for c in columns], [json_form(value) for value in row], 'JSON of %s' % table)
        lines = csv_lines(self.bulla('export', model).stdout)
        self.assertEqual(lines[0] if lines else columns, [column.encode() for column in columns] if lines else columns)
        self.assertEqual(len(lines) - 1 if lines else 0, len(expected))
        for line, row in zip(lines[1:], expected):
            self.assertEqual([csv_exact(cell, value) for cell, value in zip(line, row)], row, 'CSV of %s' % table)
            self.assertEqual(len(line), len(row))


# --- files and keys ---------------------------------------------------------------------------------------------------

def files_below(directory):
    return [os.path.join(place, name) for place, _, names in os.walk(directory) for name in names]


def snapshot(directory, *names):
    """The bytes of all files below a directory, or of those that are named."""
    paths = [os.path.join(directory, name) for name in names] or files_below(directory)
    content = {}
    for path in paths:
        if os.path.exists(path):
            with open(path, 'rb') as file:
                content[os.path.relpath(path, directory)] = file.read()
    return content


def key_bytes(content):
    """The keys in a key file, which holds them in hexadecimal digits."""
    return [bytes.fromhex(word.decode()) for word in re.findall(rb'\b[0-9a-fA-F]{64}\b', content)]


def database_files(path):
    return [path + end for end in ('', '-wal', '-journal') if os.path.exists(path + end)]


def found_in_files(path, needles):
    """Those of the needles (bytes) that are in the database's files."""
    found = set()
    for name in database_files(path):
        with open(name, 'rb') as file:
            content = file.read()
        found |= {needle for needle in needles if needle in content}
    return found


def people_in_files(path):
    """The marks of all people whose plaintext is somewhere in the database's files."""
    found = set()
    for name in database_files(path):
        with open(name, 'rb') as file:
            found |= set(re.findall(rb'Kq\d{5}z', file.read()))
    return found


# --- values, exactly --------------------------------------------------------------------------------------------------

def quote(name):
    return '"%s"' % name.replace('"', '""')


def exact_rows(database, table, columns, order):
    """Rows as lists of (storage class, value); text as its bytes, reals as their eight bytes."""
    connection = sqlite3.connect(database, timeout=60)
    connection.text_factory = bytes
    try:
        wanted = ', '.join('typeof(%s), %s' % (quote(c), quote(c)) for c in columns)
        rows = connection.execute('SELECT %s FROM %s ORDER BY %s' % (wanted, quote(table),
                                                                     ', '.join(map(quote, order)))).fetchall()
    finally:
        connection.close()
    exact = []
    for row in rows:
        pairs = zip(row[0::2], row[1::2])
        exact.append([(kind.decode(), struct.pack('>d', value) if kind == b'real' else value) for kind, value in pairs])
    return exact


def json_form(exact):
    """How `export --json` must show an exact value."""
    kind, value = exact
    if kind == 'real':
        number = struct.unpack('>d', value)[0]
        return ('real', value) if math.isfinite(number) else ('text', b'-Infinity' if number < 0 else b'Infinity')
    if kind == 'text':
        try:
            value.decode('utf-8')
        except UnicodeDecodeError:
            return ('base64', value)
    return ('base64', value) if kind == 'blob' else (kind, value)


def json_exact(value):
    """A value of a record that `--json` has shown."""
    if value is None:
        return ('null', None)
    if isinstance(value, bool):
        return ('integer', int(value))
    if isinstance(value, int):
        return ('integer', value)
    if isinstance(value, float):
        return ('real', struct.pack('>d', value))
    if isinstance(value, dict) and list(value) == ['base64']:
        return ('base64', base64.b64decode(value['base64'], validate=True))
    return ('text', value.encode('utf-8', 'surrogatepass'))


def csv_exact(cell, wanted):
    """A cell of `export` as an exact value. CSV has no types: `wanted` says what to read it as."""
    kind = wanted[0]
    if cell is None:
        return ('null', None)
    if kind == 'integer':
        return ('integer', int(cell))
    if kind == 'real':
        return ('real', struct.pack('>d', float(cell)) if re.search(rb'[.ein]', cell) else cell)
    if kind == 'blob':
        return ('blob', bytes.fromhex(cell[2:].decode()) if cell[:2] == b'\\x' else cell)
    return ('text', cell)


def csv_lines(content):
    """RFC 4180: rows of cells; an empty cell without quotes is None."""
    rows, row, at = [], [], 0
    while at < len(content):
        if content[at:at + 1] == b'"':
            cell, at = csv_quoted(content, at + 1)
        else:
            end = min(i for i in (content.find(b',', at), content.find(b'\r\n', at), len(content)) if i >= 0)
            cell, at = content[at:end] or None, end
        row.append(cell)
        if content[at:at + 1] == b',':
            at += 1
            if content[at:at + 2] == b'\r\n':
                row.append(None)
        if content[at:at + 2] == b'\r\n':
            rows.append(row)
            row, at = [], at + 2
    if row:
        raise AssertionError('the last line has no line break')
    return rows


def csv_quoted(content, at):
    cell = b''
    while True:
        end = content.index(b'"', at)
        cell += content[at:end]
        if content[end + 1:end + 2] != b'"':
            return cell, end + 1
        cell, at = cell + b'"', end + 2


# --- people -----------------------------------------------------------------------------------------------------------

FIRST = ['Anna', 'Søren', 'Zoë', 'Jürgen', 'Łukasz', 'Μαρία', 'Иван', '美咲', 'Nguyễn', 'O’Brien', 'José', 'محمد']
LAST = ['Müller', 'Kowalski', 'Åström', 'Παππά', 'Петров', '佐藤', 'D"Arcy', "O'Hara", 'van, Dijk', 'Smith']
PEOPLE = '''CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, email TEXT, note TEXT, salary INTEGER, city TEXT NOT NULL)'''
PEOPLE_ROWS = 400
PEOPLE_COLUMNS = ['id', 'name', 'email', 'note', 'salary', 'city']
PEOPLE_MODEL = '''  people:
    context: { model_name: Person, model_id: "{id}" }
    branch_key: { name: people }
    fields:
      name: {}
      email: { index: { normalize: lowercase } }
      note: {}
      salary: {}
'''


def person(i):
    """One row that is always the same for its number, and unlike any other."""
    name = '%s %s Kq%05dz' % (FIRST[i % len(FIRST)], LAST[i % len(LAST)], i)
    email = 'Kq%05dz.%s@Example.org' % (i, 'abcdefg'[i % 7])
    note = [None, '', 'Kq%05dz note — ünïcode\nsecond "line", with a comma' % i, 'Kq%05dz' % i + 'long ' * 400,
            ' Kq%05dz ' % i][i % 5]
    if i % 997 == 3:
        note = 'Kq%05dz' % i + 'very long ' * 9000
    salary = [None, 0, -1, i * 1000003 + 0x5A0000000000, -(2 ** 63), 2 ** 63 - 1][i % 6]
    return (i, name if i % 11 else None, email if i % 13 else '', note, salary, 'city %d' % (i % 9))


def make_people(database, n, first=1):
    connection = sqlite3.connect(database)
    connection.execute(PEOPLE)
    connection.executemany('INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)', map(person, range(first, first + n)))
    connection.commit()
    connection.close()


def people_secrets(n):
    """What of these people must be found nowhere; of many, some."""
    return ['Kq%05dz' % i for i in range(1, n + 1, max(1, n // 200))]


class People(Case):
    """A project over some people."""
    rows = PEOPLE_ROWS

    def people(self, n=None, model=PEOPLE_MODEL, steps=()):
        n = self.rows if n is None else n
        make_people(self.database, n)
        self.hide(*people_secrets(n))
        self.model(model)
        self.expected = exact_rows(self.database, 'people', PEOPLE_COLUMNS, ['id'])
        if steps:
            self.climb(*steps)

    def status(self):
        return self.bulla('status', 'people', '--json').model()

    def phase(self):
        return self.status()['phase']


# --- waiting, running -------------------------------------------------------------------------------------------------

def wait_until(true, seconds=LONG, step=0.01):
    """Waits for something to become true; what it was at the end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(step)
    return true()


class Result(unittest.TextTestResult):
    """unittest's own, which also counts what went well."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def find_command(build):
    for name in ('src/cli/bulla', 'bulla'):
        command = os.path.abspath(os.path.join(build, name))
        if os.access(command, os.X_OK):
            return command
    sys.exit('%s: there is no bulla in it' % build)


def main():
    """Runs the tests of the calling file; the last line of stdout is for tools/check."""
    if len(sys.argv) < 2:
        sys.exit('usage: %s BUILD_DIR [unittest arguments]' % sys.argv[0])
    for stops in signal.SIGTTIN, signal.SIGTTOU:  # in the background of a terminal: what asks it is refused, and nobody stops
        signal.signal(stops, signal.SIG_IGN)
    settings['build'] = os.path.abspath(sys.argv.pop(1))
    settings['command'] = find_command(settings['build'])
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Result)
    result = unittest.main(testRunner=runner, exit=False).result
    bad, skipped = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses), len(result.skipped)
    sys.stderr.flush()
    print('%d passed, %d failed, %d skipped' % (result.passed, bad, skipped), flush=True)
    sys.exit(1 if bad else 0)
