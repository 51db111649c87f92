"""Who may use a key server: principals, policies, the kill switch, and what the record says of it, with AWS's own clients."""
import json
import os
import re
import shutil
import subprocess
import time
import unittest

import harness

try:
    import boto3
    import botocore.config
    import botocore.exceptions
except ImportError:
    boto3 = None

AWS = shutil.which('aws', path='/usr/bin')
REGION = 'us-east-1'
READY = 30  # seconds


class Served(harness.Case):
    """A key store in this directory, and a server of it for the tests that ask for one."""

    def setUp(self):
        super().setUp()
        self.bulla('init')
        self.arn = self.bulla('key', 'list', '--json').json()['keys'][0]['arn']

    def serve(self, *options, listen='127.0.0.1:0'):
        child = self.start('kms', 'serve', '--listen', listen, *options, bufsize=0)
        deadline, said = time.time() + READY, b''
        while b'\naws ' not in said and time.time() < deadline:
            self.assertIsNone(child.poll(), self.words_of(child))
            said = self.words_of(child, child.said)
            time.sleep(0.02)
        self.endpoint = re.search(rb'listening on (\S+)', said).group(1).decode()
        self.server = child
        return child

    @staticmethod
    def words_of(child, file=None):
        file = file or child.words
        return os.pread(file.fileno(), 1 << 20, 0)

    def principal(self, name, *actions, resource=None, **more):
        """Its access key; with a policy that allows these actions."""
        made = self.bulla('kms', 'principal', 'add', name, '--json', **more).json()
        self.hide_later(made['secret_access_key'])
        if actions:
            self.policy(name, {'Effect': 'Allow', 'Action': list(actions), 'Resource': resource or '*'})
        return made['access_key_id'], made['secret_access_key']

    def hide_later(self, secret):
        """It was told once, on stdout; nowhere else may it be."""
        told = self.runs.pop()
        self.assertNotIn(secret.encode(), told.stderr)
        self.hide(secret)

    def policy(self, name, statement):
        self.write('policy.json', json.dumps({'Version': '2012-10-17', 'Statement': [statement]}))
        self.bulla('kms', 'policy', 'put', name, 'policy.json')

    def client(self, key, service='kms'):
        config = botocore.config.Config(retries={'max_attempts': 0}, connect_timeout=5, read_timeout=20)
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id=key[0],
                            aws_secret_access_key=key[1], config=config)

    def environment_of(self, key):
        return {'AWS_ACCESS_KEY_ID': key[0], 'AWS_SECRET_ACCESS_KEY': key[1], 'AWS_DEFAULT_REGION': REGION, 'AWS_REGION': REGION}

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response['Error']['Code'], code)
        return caught.exception.response['Error']['Message']

    def events(self, *filters):
        return self.bulla('audit', 'lookup', '--json', *filters).lines()


class Principals(Served):
    def test_add_list_rotate_remove(self):
        run = self.bulla('kms', 'principal', 'add', 'writer')
        key, secret = re.findall(r'=(\S+)', run.text)
        self.assertRegex(key, r'\AAKIA[A-Z2-7]{16}\Z')
        self.hide_later(secret)
        self.fails('exists', 'kms', 'principal', 'add', 'writer')
        self.fails('usage', 'kms', 'principal', 'add', 'no blanks')
        listed, = self.bulla('kms', 'principal', 'list', '--json').json()['principals']
        self.assertEqual([(k['id'], k['state']) for k in listed['access_keys']], [(key, 'active')])
        self.assertIsNone(listed['budget'])
        self.bulla('kms', 'principal', 'set', 'writer', '--budget', '100/60s')
        second = self.bulla('kms', 'principal', 'rotate', 'writer', '--json').json()
        self.hide_later(second['secret_access_key'])
        self.fails('limit', 'kms', 'principal', 'rotate', 'writer')
        self.bulla('kms', 'principal', 'disable', 'writer', '--access-key-id', second['access_key_id'])
        self.fails('refused', 'kms', 'principal', 'rotate', 'writer', '--finish')
        self.bulla('kms', 'principal', 'enable', 'writer', '--access-key-id', second['access_key_id'])
        self.assertEqual(self.bulla('kms', 'principal', 'rotate', 'writer', '--finish', '--json').json()['removed'], key)
        self.fails('refused', 'kms', 'principal', 'rotate', 'writer', '--finish')
        listed, = self.bulla('kms', 'principal', 'list', '--json').json()['principals']
        self.assertEqual([k['id'] for k in listed['access_keys']], [second['access_key_id']])
        self.assertEqual(listed['budget'], {'decryptions': 100, 'seconds': 60})
        self.bulla('kms', 'principal', 'remove', 'writer')
        self.assertEqual(self.bulla('kms', 'principal', 'list', '--json').json()['principals'], [])
        self.fails('not_found', 'kms', 'principal', 'remove', 'writer')
        self.fails('usage', 'kms', 'principal', 'ad', 'writer')
        self.fails('usage', 'kms', 'principal', 'set', 'writer', '--budget', 'many')

    def test_an_access_key_that_exists(self):
        secret = 'Zq1' + 'abcdefghijklmnopqrstuvwxyz0123456789+'
        self.hide(secret)
        self.write('secret', secret + '\n')
        add = ('kms', 'principal', 'add', 'old', '--access-key-id', 'AKIAIOSFODNN7EXAMPLE', '--secret-file')
        self.fails('permission', *add, 'secret')
        os.chmod(self.path('secret'), 0o600)
        self.assertEqual(self.bulla(*add, 'secret').text, 'export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n')
        self.fails('exists', *add[:3], 'other', *add[4:], '-', stdin=secret.encode())
        names = [p['name'] for p in self.bulla('kms', 'principal', 'list', '--json').json()['principals']]
        self.assertEqual(names, ['old'])  # what was refused left no principal behind
        self.fails('format', *add[:3], 'two', '--access-key-id', 'AKIAIOSFODNN7EXAMPL2', '--secret-file', '-', stdin=b'a\nb\n')
        self.fails('usage', *add[:4], '--secret-file', 'secret')

    def test_can(self):
        self.principal('reader', 'kms:Decrypt', resource=self.arn)
        can = ('kms', 'principal', 'can', 'reader')
        self.assertIn('yes: reader may kms:Decrypt', self.bulla(*can, 'kms:Decrypt', 'alias/default').text)
        run = self.bulla(*can, 'Encrypt', 'alias/default', '--json', status=3).json()
        self.assertEqual((run['may'], run['key']), (False, self.arn))
        self.policy('reader', {'Effect': 'Allow', 'Action': 'kms:Decrypt', 'Resource': '*', 'Condition': {
            'StringEquals': {'kms:EncryptionContext:tenant': '7'}, 'IpAddress': {'aws:SourceIp': '10.0.0.0/8'}}})
        self.bulla(*can, 'Decrypt', 'local', '--context', 'tenant=7', '--source-ip', '10.1.2.3')
        self.bulla(*can, 'Decrypt', 'local', '--context', 'tenant=8', '--source-ip', '10.1.2.3', status=3)
        self.bulla(*can, 'Decrypt', 'local', '--context', 'tenant=7', status=3)
        self.bulla('kms', 'freeze', '--reason', 'a drill')
        run = self.bulla(*can, 'decrypt', 'local', '--context', 'tenant=7', '--source-ip', '10.1.2.3', status=3)
        self.assertIn('a drill', run.text)
        self.fails('not_found', 'kms', 'principal', 'can', 'nobody', 'Decrypt')

    def test_policies(self):
        self.principal('reader')
        self.write('wrong.json', '{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}')
        self.assertIn('statement 1', self.fails('format', 'kms', 'policy', 'put', 'reader', 'wrong.json').words)
        text = '{ "Version": "2012-10-17", "Statement": {"Effect":"Allow", "Action":"kms:*", "Resource":"*"} }'
        self.bulla('kms', 'policy', 'put', 'reader', '-', '--name', 'all', stdin=text.encode())
        self.fails('usage', 'kms', 'policy', 'put', 'reader', '-', stdin=text.encode())
        self.assertEqual(self.bulla('kms', 'policy', 'show', 'reader', 'all').text, text + '\n')
        listed = self.bulla('kms', 'policy', 'list', 'reader', '--json').json()['policies']
        self.assertEqual([(p['name'], p['statements']) for p in listed], [('all', 1)])
        self.bulla('kms', 'policy', 'remove', 'reader', 'all')
        self.fails('not_found', 'kms', 'policy', 'remove', 'reader', 'all')
        self.fails('not_found', 'kms', 'policy', 'list', 'nobody')


def documented_policies():
    """The two policies of the README that people copy theirs from; the ARN is left open there."""
    path = os.path.join(harness.shared(), 'seeds')
    for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
        if name.startswith('001'):
            with open(os.path.join(path, name), encoding='utf-8') as file:
                return re.findall(r'```json\n(.*?)```', file.read(), re.S)
    raise unittest.SkipTest('%s is not here' % path)


@unittest.skipUnless(boto3, 'python3-boto3 is not installed')
class Rights(Served):
    def test_the_documented_policies(self):
        encrypt, decrypt = documented_policies()
        keys = {name: self.principal(name) for name in ('writer', 'reader')}
        for name, text in (('writer', encrypt), ('reader', decrypt)):
            self.write(name + '.json', text.replace('arn:aws:kms:...', self.arn))
            self.bulla('kms', 'policy', 'put', name, name + '.json')
        self.serve()
        writer, reader = self.client(keys['writer']), self.client(keys['reader'])
        context = {'model_name': 'User', 'model_id': '42'}
        made = writer.generate_data_key(KeyId=self.arn, KeySpec='AES_256', EncryptionContext=context)
        opened = reader.decrypt(CiphertextBlob=made['CiphertextBlob'], EncryptionContext=context)
        self.assertEqual(opened['Plaintext'], made['Plaintext'])
        blob = made['CiphertextBlob']
        self.refused('AccessDeniedException', writer.decrypt, CiphertextBlob=blob, EncryptionContext=context)
        self.refused('AccessDeniedException', writer.encrypt, KeyId=self.arn, Plaintext=b'x')
        self.refused('AccessDeniedException', reader.encrypt, KeyId=self.arn, Plaintext=b'x')
        self.refused('AccessDeniedException', reader.generate_data_key, KeyId=self.arn, KeySpec='AES_256')
        self.bulla('kms', 'policy', 'remove', 'reader', 'reader')
        self.refused('AccessDeniedException', reader.decrypt, CiphertextBlob=blob, EncryptionContext=context)
        self.bulla('kms', 'principal', 'disable', 'writer', '--access-key-id', keys['writer'][0])
        self.refused('UnrecognizedClientException', writer.generate_data_key, KeyId=self.arn, KeySpec='AES_256')

    def test_a_budget(self):
        key = self.principal('app', 'kms:Encrypt', 'kms:Decrypt')
        self.bulla('kms', 'principal', 'set', 'app', '--budget', '3/1h')
        self.serve()
        app = self.client(key)
        blob = app.encrypt(KeyId=self.arn, Plaintext=b'x')['CiphertextBlob']
        for _ in range(3):
            app.decrypt(CiphertextBlob=blob)
        self.assertIn('3 decryptions', self.refused('AccessDeniedException', app.decrypt, CiphertextBlob=blob))
        app.encrypt(KeyId=self.arn, Plaintext=b'x')


@unittest.skipUnless(boto3, 'python3-boto3 is not installed')
class Freeze(Served):
    def within_a_second(self, what):
        began = time.time()
        while not what():
            self.assertLess(time.time() - began, 1, 'it did not take effect within a second')
            time.sleep(0.02)

    def decrypts(self, client, blob):
        try:
            client.decrypt(CiphertextBlob=blob)
        except botocore.exceptions.ClientError as refusal:
            self.assertEqual(refusal.response['Error']['Code'], 'AccessDeniedException')
            self.message = refusal.response['Error']['Message']
            return False
        return True

    def test_from_another_process(self):
        app = self.principal('app', 'kms:*')
        self.serve()
        client = self.client(app)
        blob = client.encrypt(KeyId=self.arn, Plaintext=b'x')['CiphertextBlob']
        self.assertTrue(self.decrypts(client, blob))
        for scope in ((), ('--key', 'alias/default'), ('--principal', 'app')):
            self.bulla('kms', 'freeze', *scope, '--reason', 'laptop stolen', '--until', '1h')
            self.within_a_second(lambda: not self.decrypts(client, blob))
            self.assertIn('laptop stolen', self.message)
            client.encrypt(KeyId=self.arn, Plaintext=b'x')
            client.generate_data_key(KeyId=self.arn, KeySpec='AES_256')
            self.refused('AccessDeniedException', client.re_encrypt, CiphertextBlob=blob, DestinationKeyId=self.arn)
            status = self.bulla('kms', 'status', '--json').json()
            self.assertEqual([f['reason'] for f in status['freezes']], ['laptop stolen'])
            self.assertIn('FROZEN', self.bulla('kms', 'status').text)
            self.bulla('kms', 'thaw', *scope, '--reason', 'found again')
            self.within_a_second(lambda: self.decrypts(client, blob))
            self.fails('not_found', 'kms', 'thaw', *scope)
        frozen = self.events('--operation', 'Freeze', '--outcome', 'ok')
        self.assertEqual(len(frozen), 3)
        for event in frozen:
            self.assertTrue(event['principal'].startswith('local:'), event)
            self.assertRegex(event['detail'], r'until \d{4}-.*: laptop stolen\Z')
        self.bulla('kms', 'freeze', '--until', '1s')
        self.assertFalse(self.decrypts(client, blob))
        time.sleep(1.1)
        self.assertTrue(self.decrypts(client, blob))

    def test_over_http(self):
        guard, app = self.principal('guard', 'bulla:*'), self.principal('app', 'kms:*')
        self.serve()
        client = self.client(app)
        blob = client.encrypt(KeyId=self.arn, Plaintext=b'x')['CiphertextBlob']
        there, env = ('--endpoint', self.endpoint), self.environment_of(guard)
        done = self.bulla('kms', 'freeze', *there, '--reason', 'odd decryptions', '--until', '1h', '--json', env=env).json()
        self.assertEqual((done['frozen'], done['scope']), (True, 'everything'))
        self.assertFalse(self.decrypts(client, blob))
        self.assertIn('frozen by guard: odd decryptions', self.message)
        status = self.bulla('kms', 'status', *there, '--json', env=env).json()
        self.assertEqual([(f['by'], f['scope']) for f in status['freezes']], [('guard', 'everything')])
        self.assertEqual([p['name'] for p in status['principals']], ['app', 'guard'])
        self.assertEqual(status['keys']['enabled'], 1)
        self.bulla('kms', 'thaw', *there, env=env)
        self.assertTrue(self.decrypts(client, blob))
        self.fails('not_found', 'kms', 'thaw', *there, '--key', self.arn, env=env)
        self.fails('not_found', 'kms', 'freeze', *there, '--principal', 'nobody', env=env)
        self.fails('denied', 'kms', 'freeze', *there, env=self.environment_of(app))
        self.fails('denied', 'kms', 'status', *there, env=self.environment_of((guard[0], 'wrong')))
        self.fails('usage', 'kms', 'freeze', *there, env={'AWS_ACCESS_KEY_ID': '', 'AWS_SECRET_ACCESS_KEY': ''})
        self.fails('unavailable', 'kms', 'status', '--endpoint', 'http://127.0.0.1:1', env=env)
        self.fails('usage', 'kms', 'status', '--endpoint', 'ftp://127.0.0.1', env=env)
        event, = self.events('--operation', 'Freeze', '--outcome', 'ok')
        self.assertTrue(event['userIdentity']['arn'].endswith(':user/guard'))
        self.assertEqual(event['requestParameters']['reason'], 'odd decryptions')
        self.assertEqual(len(self.events('--operation', 'Freeze', '--outcome', 'denied')), 1)


class Endpoints(Served):
    def status(self, endpoint, env):
        return self.bulla('kms', 'status', '--endpoint', endpoint, '--json', env=env).json()['principal_count']

    def test_a_socket(self):
        env = self.environment_of(self.principal('guard', 'bulla:GetStatus'))
        self.serve(listen='unix:' + self.path('kms.sock'))
        self.assertEqual(self.status('unix:' + self.path('kms.sock'), env), 1)
        self.fails('unavailable', 'kms', 'status', '--endpoint', 'unix:' + self.path('none.sock'), env=env)

    def test_tls(self):
        env = self.environment_of(self.principal('guard', 'bulla:GetStatus'))
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                        '-subj', '/CN=kms', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', self.path('tls.key'),
                        '-out', self.path('tls.pem')], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(self.path('tls.key'), 0o600)
        self.serve('--tls-cert', 'tls.pem', '--tls-key', 'tls.key')
        self.fails('unavailable', 'kms', 'status', '--endpoint', self.endpoint, env=env)
        self.assertEqual(self.status(self.endpoint, {**env, 'AWS_CA_BUNDLE': self.path('tls.pem')}), 1)
        other = self.endpoint.replace('127.0.0.1', 'localhost')  # the certificate is not of that name
        self.fails('unavailable', 'kms', 'status', '--endpoint', other, env={**env, 'AWS_CA_BUNDLE': self.path('tls.pem')})


@unittest.skipUnless(boto3, 'python3-boto3 is not installed')
class Trail(Served):
    def setUp(self):
        super().setUp()
        self.app = self.principal('app', 'kms:*', 'cloudtrail:*')
        self.serve()
        client = self.client(self.app)
        blob = client.encrypt(KeyId=self.arn, Plaintext=b'x', EncryptionContext={'tenant': '7'})['CiphertextBlob']
        for _ in range(7):
            client.decrypt(CiphertextBlob=blob, EncryptionContext={'tenant': '7'})
        self.refused('InvalidCiphertextException', client.decrypt, CiphertextBlob=blob, EncryptionContext={'tenant': '8'})
        self.trail = self.client(self.app, 'cloudtrail')

    def find(self, key, value, **more):
        return self.trail.lookup_events(LookupAttributes=[{'AttributeKey': key, 'AttributeValue': value}], **more)['Events']

    def test_lookup_events(self):
        found = self.find('EventName', 'Decrypt')
        self.assertEqual(len(found), 8)
        newest = json.loads(found[0]['CloudTrailEvent'])
        self.assertEqual((newest['eventVersion'], newest['eventType'], newest['errorCode']),
                         ('1.08', 'AwsApiCall', 'InvalidCiphertextException'))
        self.assertEqual(newest['requestParameters']['encryptionContext'], {'tenant': '8'})
        self.assertEqual((newest['eventID'], newest['recipientAccountId']), (found[0]['EventId'], '000000000000'))
        self.assertEqual(newest['userIdentity']['userName'], 'app')
        self.assertEqual(found[0]['Resources'], [{'ResourceType': 'AWS::KMS::Key', 'ResourceName': self.arn}])
        again = self.find('EventId', found[3]['EventId'])
        self.assertEqual([event['CloudTrailEvent'] for event in again], [found[3]['CloudTrailEvent']])
        self.assertEqual(self.find('EventId', '00000000-0000-8000-8000-000000000001'), [])
        self.assertEqual(self.find('EventId', 'none'), [])
        self.assertEqual(len(self.find('ResourceName', self.arn)), 10)  # CreateKey too
        self.assertEqual({e['Username'] for e in self.find('AccessKeyId', self.app[0])}, {'app'})
        self.assertEqual({e['EventName'] for e in self.find('EventSource', 'iam.amazonaws.com')}, {'CreateUser', 'PutUserPolicy'})
        self.assertEqual({e['ReadOnly'] for e in self.find('ReadOnly', 'true')}, {'true'})
        times = [e['EventTime'] for e in found]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_pages_and_times(self):
        pages = self.trail.get_paginator('lookup_events').paginate(
            LookupAttributes=[{'AttributeKey': 'EventName', 'AttributeValue': 'Decrypt'}], PaginationConfig={'PageSize': 3})
        pages = [page['Events'] for page in pages]
        self.assertEqual([len(page) for page in pages if page], [3, 3, 2])
        ids = [event['EventId'] for page in pages for event in page]
        self.assertEqual(len(set(ids)), 8)
        first = self.trail.lookup_events(MaxResults=2)
        self.refused('InvalidNextTokenException', self.trail.lookup_events, NextToken=first['NextToken'], EndTime=1)
        self.refused('InvalidNextTokenException', self.trail.lookup_events, NextToken='elsewhere')
        self.refused('InvalidTimeRangeException', self.trail.lookup_events, StartTime=20, EndTime=10)
        two = [{'AttributeKey': 'EventName', 'AttributeValue': 'x'}] * 2
        self.refused('InvalidLookupAttributesException', self.trail.lookup_events, LookupAttributes=two)
        self.assertEqual(self.trail.lookup_events(EndTime=1)['Events'], [])
        self.assertEqual(self.trail.lookup_events(StartTime=time.time() + 3600)['Events'], [])
        self.assertEqual(len(self.find('EventName', 'Decrypt', StartTime=time.time() - 600)), 8)
        other = self.principal('other', 'kms:*')
        self.refused('AccessDeniedException', self.client(other, 'cloudtrail').lookup_events)

    def test_a_log_of_several_pages(self):
        client = self.client(self.app)
        for _ in range(300):  # a page of the log has 256 entries
            client.generate_random(NumberOfBytes=1)
        self.assertEqual(len(self.find('EventName', 'CreateKey')), 1)
        total = self.bulla('audit', 'lookup', '--json').lines()
        pages = [page['Events'] for page in self.trail.get_paginator('lookup_events').paginate()]
        found = [json.loads(event['CloudTrailEvent']) for page in pages for event in page]
        self.assertEqual([e['eventName'] for e in found][-len(total):], [e['eventName'] for e in reversed(total)])
        self.assertEqual(len({e['eventID'] for e in found}), len(found))

    @unittest.skipUnless(AWS, 'awscli is not installed')
    def test_the_aws_command(self):
        env = {**self.environment(), **self.environment_of(self.app), 'AWS_PAGER': ''}
        done = subprocess.run([AWS, 'cloudtrail', 'lookup-events', '--lookup-attributes',
                               'AttributeKey=EventName,AttributeValue=Decrypt', '--endpoint-url', self.endpoint], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=harness.LONG)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(json.loads(done.stdout)['Events']), 8)

    def test_audit_lookup(self):
        self.assertEqual(len(self.events('--operation', 'Decrypt', '--source-ip', '127.0.0.1')), 8)
        self.assertEqual(len(self.events('--access-key-id', self.app[0], '--operation', 'Decrypt')), 8)
        failed, = self.events('--error-code', 'InvalidCiphertextException')
        self.assertEqual(self.events('--request-id', failed['requestID']), [failed])
        self.assertEqual(len(self.events('--operation', 'Decrypt', '--context', 'tenant=7')), 7)


if __name__ == '__main__':
    harness.main()
