"""What the tests of `kms serve` share: a server of their own, requests signed by hand, and clients of AWS that talk to it.

Debian's boto3 speaks for AWS's SDKs where it is installed (python3-boto3); what needs a request that no SDK would send is signed here.
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

try:
    import boto3
    import botocore.client
    import botocore.config
    import botocore.exceptions
    import botocore.session
except ImportError:  # no client: the tests that need it say so
    boto3 = None

READY = 60  # seconds that a server on a busy machine may take to be ready
TARGET = 'TrentService.'
ACCOUNT = '000000000000'
REGION = 'us-east-1'
# The places of a server that was started with --dev, as bulla.yaml names them: the other commands use its store.
CONFIG = '''version: 1
environments:
  development: { key: local, store: "sqlite:.bulla/dev/kms.db", root_key: "file:.bulla/dev/root.key" }
databases: {}
'''


def needs_boto3(test):
    return unittest.skipUnless(boto3, 'python3-boto3 is not installed')(test)


# --- requests by hand --------------------------------------------------------------------------------------------------

def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(headers, body, access, when, region=REGION, service='kms', names=None):
    """The Authorization of AWS's Signature Version 4 for a POST of `body` to /; `access` is (id, secret)."""
    stamp = when.strftime('%Y%m%dT%H%M%SZ')
    headers['x-amz-date'] = stamp
    names = names or sorted(headers)
    canonical = '\n'.join(['POST', '/', '', *('%s:%s' % (name, headers[name]) for name in names), '', ';'.join(names),
                           hashlib.sha256(body).hexdigest()])
    scope = '%s/%s/%s/aws4_request' % (stamp[:8], region, service)
    text = '\n'.join(['AWS4-HMAC-SHA256', stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ('AWS4' + access[1]).encode()
    for part in (stamp[:8], region, service, 'aws4_request'):
        key = mac(key, part)
    headers['authorization'] = 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s' % (
        access[0], scope, ';'.join(names), mac(key, text).hex())
    return headers


class Answer:
    """What came back: status, headers, body, and its members where it is JSON."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, {name.lower(): value for name, value in headers}, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        return self.json.get('__type')

    def __str__(self):
        return '%d %s' % (self.status, self.body[:300])


# --- a server ----------------------------------------------------------------------------------------------------------

class Server:
    """`bulla kms serve --dev` in a directory, until stop() or kill()."""

    def __init__(self, directory, *args, env=None, environment=None, preexec=None, listen='127.0.0.1:0'):
        self.dir = directory
        self.out = tempfile.TemporaryFile()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([harness.settings['command'], 'kms', 'serve', '--dev', '--listen', listen, *args],
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.log, cwd=directory,
                                        env={**(environment or os.environ), 'LC_ALL': 'C.UTF-8', **(env or {})}, preexec_fn=preexec)
        said = harness.wait_until(lambda: self.ready(), READY)
        if not isinstance(said, str):
            words = self.words()
            self.kill()
            raise AssertionError('the server does not start: %s\n%s' % (self.said(), words))
        self.url = re.search(r'^listening on (\S+)$', said, re.M).group(1)
        self.variables = dict(re.findall(r'^export (\w+)=(.*)$', said, re.M))
        self.access = (self.variables['AWS_ACCESS_KEY_ID'], self.variables['AWS_SECRET_ACCESS_KEY'])
        self.host = self.url.split('//')[-1]

    def said(self):
        self.out.seek(0)
        return self.out.read().decode()

    def ready(self):
        said = self.said()
        return said if '\naws --endpoint-url ' in said else self.process.poll() is not None

    def words(self):
        self.log.seek(0)
        return self.log.read().decode()

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        """The exit status."""
        status = self.end(signal.SIGTERM)
        return status

    def end(self, how):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(harness.LONG)

    def close(self):
        self.kill()
        self.out.close()
        self.log.close()

    # --- clients ---
    def address(self):
        host, port = self.host.rsplit(':', 1)
        return host, int(port)

    def connect(self, timeout=30):
        return http.client.HTTPConnection(*self.address(), timeout=timeout)

    def headers(self, target, **more):
        return {'content-type': 'application/x-amz-json-1.1', 'host': self.host, 'x-amz-target': target, **more}

    def send(self, headers, body, connection=None):
        own = connection or self.connect()
        try:
            own.putrequest('POST', '/', skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                own.putheader(name, value)
            own.putheader('Content-Length', str(len(body)))
            own.endheaders(body)
            answer = own.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            if not connection:
                own.close()

    def ask_text(self, target):
        """GET."""
        own = self.connect()
        try:
            own.request('GET', target)
            answer = own.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            own.close()

    def ask(self, operation, members=None, body=None, access=None, late=0, connection=None, prefix=TARGET, **scope):
        """One request, signed by hand: the answer."""
        when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=late)
        body = json.dumps(members if members is not None else {}).encode() if body is None else body
        return self.send(sign(self.headers(prefix + operation), body, access or self.access, when, **scope), body, connection)

    def client(self, service='kms', access=None, **config):
        access = access or self.access
        return SESSION.create_client(service, region_name=REGION, endpoint_url=self.url, aws_access_key_id=access[0],
                                     aws_secret_access_key=access[1],
                                     config=botocore.config.Config(retries={'max_attempts': 0}, **config))


SESSION = botocore.session.Session() if boto3 else None


class Served(harness.Case):
    """Tests that share one server; each makes keys of its own."""
    args = ()

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix='bulla-functional-', dir=harness.scratch())
        cls.addClassCleanup(shutil.rmtree, cls.home, True)
        with open(os.path.join(cls.home, 'bulla.yaml'), 'w', encoding='utf-8') as file:
            file.write(CONFIG)
        cls.server = Server(cls.home, *cls.args)
        cls.addClassCleanup(cls.server.close)
        cls.kms = cls.server.client() if boto3 else None

    def audit(self, *filters):
        """Entries of the audit log, as the command shows them beside the server."""
        return self.bulla('audit', 'lookup', '--json', *filters, cwd=self.home).lines()

    def refused(self, error, text, operation, **members):
        """A call of boto3 that must end with this error; `text` is all of its words, or a pattern of them."""
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            getattr(self.kms, operation)(**members)
        answer = caught.exception.response
        self.assertEqual(answer['Error']['Code'], error, answer)
        self.assertEqual(answer['ResponseMetadata']['HTTPStatusCode'], 400, answer)
        said = answer['Error']['Message']
        if hasattr(text, 'pattern'):
            self.assertRegex(said, text)
        else:
            self.assertEqual(said, text)
        return answer

    def key(self, **members):
        """The id of a new key, and its ARN."""
        made = self.kms.create_key(**members)['KeyMetadata']
        return made['KeyId'], made['Arn']

    def describe(self, key):
        """The key's metadata; an older boto3 leaves out what is newer than itself."""
        return self.server.ask('DescribeKey', {'KeyId': key}).json['KeyMetadata']

    def material(self, blob, context=None):
        """Which material of its key opens it."""
        return self.server.ask('Decrypt', {'CiphertextBlob': base64.b64encode(blob).decode(), 'EncryptionContext': context or {}}
                               ).json['KeyMaterialId']
