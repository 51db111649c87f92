"""Each command line that a man page shows under EXAMPLES, run in a project that has what it needs."""
import glob
import os
import re
import shutil

import harness
import pages

CONFIG = '''version: 1
environments:
  development: { key: local, cache: { max_age: 1s } }
  production: { key: local, cache: { max_age: 1s } }
  test: { key: local, store: "sqlite:.test/kms.db", root_key: "file:.test/root.key" }
databases:
  main: { url: "sqlite:app.db" }
models:
  users:
    context: { model_name: User, model_id: "{id}" }
    branch_key: { name: users }
    fields:
      email: { index: { normalize: lowercase } }
      first_name: {}
      phone: {}
      ssn: { index: {} }
      photo: { type: binary }
  visits:
    branch_key: { name: "visit:{id}" }
    fields:
      place: {}
  letters:
    fields:
      body: {}
  orders:
    primary_key: [tenant_id, id]
    context: { model_name: Order, model_id: "{tenant_id}-{id}" }
    branch_key: { name: orders }
    fields:
      address: {}
'''
TABLES = (
    'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, phone TEXT, ssn TEXT, photo BLOB)',
    '''INSERT INTO users VALUES (41, 'bob@example.org', 'Bob', '+49 30 1234567', '900-12-3456', NULL),
                                (42, 'anna@example.org', 'Anna', NULL, '900-65-4321', x'ffd8ffe0')''',
    'CREATE TABLE orders (tenant_id INTEGER, id INTEGER, address TEXT, PRIMARY KEY (tenant_id, id))',
    "INSERT INTO orders VALUES (7, 42, 'Elm Street 5')",
    'CREATE TABLE visits (id INTEGER PRIMARY KEY, place TEXT)',
    "INSERT INTO visits VALUES (7, 'Ghent'), (8, 'Bruges'), (9, 'Ypres')",
    'CREATE TABLE letters (id INTEGER PRIMARY KEY, body TEXT)',
    "INSERT INTO letters VALUES (7, 'Dear Anna'), (8, 'Dear Bob')",
)
# What an example begins with: another project, and then these lines.
PROJECTS = {
    'plain': (None, ['mkdir -p mnt/backup']),
    'configured': ('plain', ['cp ../bulla.yaml . && bulla init']),
    'planned': ('configured', ['bulla plan users --out users.plan']),
    'applied': ('planned', ['bulla apply']),
    'verified': ('applied', ['bulla verify']),
    'finished': ('verified', ['bulla finish --settle 0', 'printf token | bulla encrypt --context service=billing > token.box',
                              'bulla key create billing']),
    'other': ('plain', ['cp ../bulla.yaml .']),
    'disabled': ('finished', ['bulla key disable local', '! bulla get users 42']),
    'reindexed': ('finished', ["sed -i 's/ssn: { index: {} }/ssn: { index: { version: 2, previous: {} } }/' bulla.yaml"]),
    'renamed': ('finished', ['cp bulla.yaml bulla.yaml.old', "sed -i 's/model_name: User/model_name: Person/' bulla.yaml"]),
    'closing': ('finished', ['! bulla shred visits 7']),
    'server': ('configured', ["""printf '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}}' """
                              '>decrypt.json']),
    'reader': ('server', ['bulla kms principal add reader', 'bulla kms policy put reader decrypt.json']),
    'lost': ('finished', ['bulla kms backup mnt/backup/kms.db', 'rm .bulla/kms.db*']),
}
# The example: project, what it says, where it is not 0 its exit status, and for one without an end the line
# that succeeds once it may be stopped.
EXAMPLES = {
    'bulla init --database sqlite:app.db --table users --fields email,phone': ('plain', 'wrote bulla.yaml'),
    'bulla plan users': ('configured', 'users: 2 rows of the table users'),
    'bulla apply users': ('configured', '2 sealed now'),
    'bulla verify users': ('applied', '2 equal, 0 differ'),
    'bulla finish users': ('verified', 'the plaintext of 2 rows is gone'),
    'bulla plan users --out users.plan && bulla apply users --plan users.plan': ('configured', '2 sealed now'),
    'bulla apply users --follow': ('configured', 'checkpoint', 130, 'bulla verify users'),
    'bulla audit lookup --operation Decrypt --since 1d': ('finished', 'Decrypt'),
    'bulla audit lookup --context bulla_branch=users --outcome key_disabled': ('disabled', 'Decrypt +key_disabled'),
    'bulla audit verify --strict': ('finished', 'nothing outside this host vouches', 3),
    'bulla decrypt --context service=billing < token.box': ('finished', '^token'),
    'bulla decrypt --model users --id 42 --field photo > photo.jpg': ('finished', 'Next: '),
    'bulla doctor': ('finished', 'backup_none', 3),
    '''bulla doctor --kms --env production --json | jq -r '.findings[] | select(.severity == "error") | .cure\'''':
        ('finished', 'Next: ', 3),
    'printf %s "$TOKEN" | bulla encrypt --context service=billing > token.box': ('configured', 'Next: '),
    'bulla export users > users.csv': ('finished', 'Next: '),
    'bulla export users --json | wc -l': ('finished', '^2$'),
    'bulla finish users --settle 1d': ('verified', 'the plaintext of 2 rows is gone'),
    'bulla get users 42': ('finished', 'first_name +Anna'),
    'bulla get orders 7,42 address': ('finished', 'address +Elm Street 5'),
    'bulla get orders --pk tenant_id=7 --pk id=42 address': ('finished', 'address +Elm Street 5'),
    'bulla init --database sqlite:app.db --table users --fields email,first_name --index first_name':
        ('plain', 'wrote bulla.yaml'),
    'BULLA_ENV=test bulla init': ('other', 'made the key store .test/kms.db'),
    'sqlite3 app.db "SELECT hex(encrypted_kms_key) FROM users LIMIT 1" | bulla inspect': ('finished', 'bulla wrapped key'),
    'bulla key create billing': ('configured', 'alias/billing'),
    'bulla key rotate local/billing --every 365': ('finished', '365'),
    'bulla key census': ('finished', 'users +encrypted_kms_key +branch users'),
    'bulla key census local/billing': ('finished', 'nothing hangs from it'),
    'bulla key close local/billing && bulla rotate': ('finished', 'closing'),
    'bulla key delete local/billing': ('finished', 'bulla key delete .* from .* on'),
    'bulla kms backup /mnt/backup/kms.db': ('finished', 'mnt/backup/kms.db'),
    'bulla kms restore /mnt/backup/kms.db && bulla audit adopt --reason "disk failure"': ('lost', 'Next: '),
    'bulla kms principal add writer': ('configured', 'export AWS_SECRET_ACCESS_KEY='),
    'bulla kms principal add reader --budget 100/60s && bulla kms policy put reader decrypt.json':
        ('server', 'reader, policy decrypt: in force'),
    'bulla kms principal can reader kms:Decrypt alias/default --context tenant=7': ('reader', 'yes: reader may kms:Decrypt'),
    'bulla kms principal rotate reader && bulla kms principal rotate reader --finish': ('reader', 'is removed'),
    'bulla kms freeze --reason "decryptions nobody knows of"': ('configured', 'decryption of everything is frozen'),
    'bulla kms freeze --principal reader --until 1h && bulla kms status': ('reader', 'FROZEN: decryption by reader'),
    'bulla kms freeze --key alias/default && bulla kms thaw --key alias/default --reason "a drill"':
        ('configured', 'decryption with alias/default is thawed'),
    'bulla kms rekey': ('finished', 'escrow'),
    'bulla plan users --out users.plan': ('configured', 'users: 2 rows of the table users'),
    'bulla plan --rehearse': ('configured', 'rehears'),
    'bulla key rotate local && bulla rotate users': ('finished', '2 rows'),
    'bulla rotate users --settle 300s':
        ('finished', 'checkpoint', 130, 'bulla status users --json | grep -q \'"under_way":true\''),
    'bulla rotate users --data': ('finished', '2 rows: 2 rotated, 0 left'),
    'bulla rotate users --index': ('reindexed', '2 rows: 2 rotated, 0 left'),
    'bulla rotate users --context --from bulla.yaml.old': ('renamed', '2 rows: 2 rotated, 0 left'),
    'bulla rotate users --debt --json | jq \'.models[].left\'': ('finished', '^0$'),
    'bulla scan --database sqlite:app.db': ('plain', 'email'),
    '''bulla scan --sample 100000 --json | jq '.databases[].findings[] | select(.confidence == "high")\'''':
        ('configured', 'email'),
    'bulla search users email anna@example.org': ('finished', '42'),
    'printf %s "$SSN" | bulla search users ssn --value-file -': ('finished', '42'),
    'bulla shred visits 7': ('finished', 'visit:7: closed', 3),
    'bulla shred visits 7 --cancel': ('closing', 'open again'),
    'bulla shred --branch visit:8 --wait': ('finished', 'visit:8: destroyed'),
    """bulla shred visits 9 --wait --json | jq -r 'select(.state == "destroyed") | .report'""":
        ('finished', r'^\.bulla/reports/shred-.*json$'),
    'bulla shred letters 7 --erase': ('finished', 'erased'),
    'bulla status users --watch': ('applied', 'users: applied', 0, 'grep -q "users: applied" "$SAID"'),
    'bulla status --watch 60 --json >>coverage.jsonl': ('applied', 'Next: ', 0, 'grep -q models coverage.jsonl'),
    'bulla status --json | jq \'.models[].quarantine\'': ('applied', r'^\{\}'),
    'bulla undo users': ('applied', 'users: '),
    "bulla undo users --lost '(erased)'": ('finished', 'the plaintext of 2 rows is back'),
    'bulla verify users --sample 1000 --json': ('applied', '"equal":2'),
}
VARIABLES = {'TOKEN': 'a token', 'SSN': '900-65-4321'}


def shown():
    """page → its examples."""
    found = {}
    for path in sorted(glob.glob(os.path.join(harness.ROOT, 'man', '*.scd'))):
        bodies = dict(pages.sections(pages.read('man', os.path.basename(path))))
        found[os.path.basename(path).partition('.')[0]] = pages.commands(bodies.get('EXAMPLES', ''))
    return found


class ManExamples(pages.Pages):
    def project(self, name):
        """The project of this name, made once."""
        there = self.path(name)
        if not os.path.isdir(there):
            parent, lines = PROJECTS[name]
            if parent:
                shutil.copytree(self.project(parent), there)
            else:
                os.mkdir(there)
                self.sql(*TABLES, database=os.path.join(there, 'app.db'))
            for line in lines:
                self.shell(line, cwd=there)
        return there

    def example(self, line):
        project, says, status, until = EXAMPLES[line] + (0, None)[len(EXAMPLES[line]) - 2:]
        shutil.rmtree(self.path('run'), ignore_errors=True)
        shutil.copytree(self.project(project), self.path('run'))
        self.shell(line, status, says, until, VARIABLES, self.path('run'))

    def test_every_example_works(self):
        self.write('bulla.yaml', CONFIG)
        for page, lines in shown().items():
            for line in lines:
                with self.subTest(page=page, example=line):
                    self.assertTrue(line in EXAMPLES, 'an example that no test knows')
                    self.example(line)

    def test_every_page_has_examples_and_all_that_is_tested_is_shown(self):
        lines = shown()
        self.assertEqual([page for page, found in lines.items() if not found], [], 'pages without an example')
        self.assertEqual(set(EXAMPLES) - set(sum(lines.values(), [])), set(), 'no page shows this')


if __name__ == '__main__':
    harness.main()
