"""docs/KMS.md, played: what it says of clients, and its runbook, as they are typed."""
import base64
import os
import shutil
import subprocess
import unittest

import harness
import pages
import server

PAGE = pages.read('docs', 'KMS.md')
SECTIONS = dict(pages.sections(PAGE))
URL = 'http://127.0.0.1:7454'  # of the page
CONFIG = '''version: 1
environments:
  development: { key: local }
databases: {}
'''


def example(heading, language):
    """The only block of a section."""
    found = pages.blocks(SECTIONS[heading], language)
    assert len(found) == 1, heading
    return found[0]


class Clients(server.Served):
    """With the variables that the server prints, as the page has it."""

    def play(self, heading, language, *program):
        os.mkdir(self.path('bin'))
        os.symlink('/usr/bin/aws', self.path('bin', 'aws'))
        text = example(heading, language)
        self.assertIn(URL, text)
        self.write('example', text.replace(URL, self.server.url))
        done = subprocess.run([*program, 'example'], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=harness.LONG, check=False, env=self.environment({
                                  **self.server.variables, 'PATH': self.path('bin') + ':/usr/bin:/bin', 'AWS_EC2_METADATA_DISABLED': 'true'}))
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout

    @unittest.skipUnless(os.access('/usr/bin/aws', os.X_OK), 'awscli is not installed')
    def test_aws_cli(self):
        self.assertEqual(self.play('AWS CLI', 'sh', '/bin/bash', '-eu'), b'a secret')

    @server.needs_boto3
    def test_boto3(self):
        self.play('boto3', 'python', '/usr/bin/python3')

    @unittest.skipUnless(os.access('/usr/bin/ruby', os.X_OK), 'ruby is not installed')
    def test_ruby(self):
        if subprocess.run(['/usr/bin/ruby', '-e', 'require "aws-sdk-kms"'], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest('ruby-aws-sdk-kms is not installed')
        self.play('Ruby', 'ruby', '/usr/bin/ruby')


@server.needs_boto3
class Encrypted(harness.Case):
    def test_tls_with_a_certificate_of_ones_own(self):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=bulla',
                        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'ca.pem'], cwd=self.dir, check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(self.path('key.pem'), 0o600)
        there = server.Server(self.dir, '--tls-cert', 'ca.pem', '--tls-key', 'key.pem', environment=self.environment())
        self.addCleanup(there.close)
        self.assertTrue(there.url.startswith('https://'), there.url)
        self.write('example', example('boto3', 'python').replace(URL, there.url))
        for more, fails in (({'AWS_CA_BUNDLE': 'ca.pem'}, False), ({'AWS_MAX_ATTEMPTS': '1'}, True)):
            done = subprocess.run(['/usr/bin/python3', 'example'], cwd=self.dir, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                                  timeout=harness.LONG, env=self.environment({**there.variables, **more}))
            self.assertEqual(done.returncode != 0, fails, done.stderr.decode())


class Runbook(pages.Pages):
    """Each trouble is made, and the section's own commands end it."""

    def setUp(self):
        super().setUp()
        for place in ('mnt/backup', 'mnt/elsewhere', 'media/safe'):
            os.makedirs(self.path(place))
        self.write('bulla.yaml', CONFIG)
        self.shell('bulla init')
        self.shell('mv .bulla/escrow.key media/safe')
        self.there = None

    def serve(self):
        """The server of this directory: it makes the principal `dev` where there is none."""
        self.there = server.Server(self.dir, '--store', 'sqlite:.bulla/kms.db', '--root-key', 'file:.bulla/root.key',
                                   environment=self.environment())
        self.addCleanup(self.there.close)
        return self.there

    def lines(self, heading):
        return pages.commands(SECTIONS[heading])

    def seal(self):
        made = self.there.ask('Encrypt', {'KeyId': 'alias/default', 'Plaintext': base64.b64encode(b'a secret').decode()})
        self.assertEqual(made.status, 200, str(made))
        return made.json['CiphertextBlob']

    def opens(self, blob):
        return self.there.ask('Decrypt', {'CiphertextBlob': blob})

    def assert_opens(self, blob):
        self.assertEqual(base64.b64decode(self.opens(blob).json['Plaintext']), b'a secret')

    def test_back_up_and_restore(self):
        backup, *restore = self.lines('Back up, and restore')
        access = self.serve().access
        blob = self.seal()
        self.shell(backup)
        later = self.there.ask('CreateKey').json['KeyMetadata']['KeyId']
        self.assertEqual(self.there.stop(), 0)
        for line in restore:
            self.shell(line)
        self.assertEqual(self.serve().access, access)
        self.assert_opens(blob)
        self.assertEqual(self.there.ask('DescribeKey', {'KeyId': later}).type, 'NotFoundException')
        self.assertIn(later, self.shell('bulla audit lookup --operation CreateKey --json'))

    def lost_host(self, *kept):
        access = self.serve().access
        blob = self.seal()
        self.shell(self.lines('Back up, and restore')[0])
        self.there.kill()
        for name in kept:
            shutil.move(self.path('.bulla', name), self.path('media', name))
        shutil.rmtree(self.path('.bulla'))
        lines = self.lines('A node is lost')
        self.shell(lines[0])
        for name in kept:
            shutil.move(self.path('media', name), self.path('.bulla', name))
        for line in lines[1:]:
            self.shell(line)
        self.assertEqual(self.serve().access, access)
        self.assert_opens(blob)

    def test_a_host_is_lost(self):
        self.lost_host()

    def test_a_host_is_lost_and_its_log_was_copied(self):
        self.lost_host('audit')

    def test_the_root_key_is_lost(self):
        self.serve()
        blob = self.seal()
        os.unlink(self.path('.bulla', 'root.key'))
        self.assert_opens(blob)
        self.there.stop()
        self.shell('bulla kms serve --listen 127.0.0.1:0', 1, '^bulla: not_found: ')
        for line in self.lines('The root key is lost'):
            self.shell(line)
        self.serve()
        self.assert_opens(blob)

    def test_an_attack(self):
        self.serve()
        blob = self.seal()
        self.assert_opens(blob)
        freeze, lookup, verify, export, *go_on = self.lines('An attack')
        self.shell(freeze)
        self.assertEqual(self.opens(blob).type, 'AccessDeniedException')
        self.seal()
        self.assertRegex(self.shell(lookup), '"userName":"dev"')
        self.shell(verify)
        self.shell(export)
        self.assertTrue(os.path.exists(self.path('mnt', 'elsewhere', 'audit', 'checkpoint')))
        for line in go_on:
            self.shell(line)
        self.assert_opens(blob)


if __name__ == '__main__':
    harness.main()
