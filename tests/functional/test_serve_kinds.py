"""HMAC keys, key pairs and data key pairs of `kms serve`, as AWS's own client for Python uses them; another library checks what comes out."""
import hashlib
import hmac
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

try:
    import botocore.config
    import botocore.exceptions
    import botocore.session
except ImportError:  # python3-boto3 is not installed
    botocore = None

READY = 60  # seconds that a server on a busy machine may take to be ready


class Served(harness.Case):
    """One server for all tests; each makes keys of its own."""

    @classmethod
    def setUpClass(cls):
        if botocore is None:
            raise unittest.SkipTest('python3-boto3 is not installed')
        cls.home = tempfile.mkdtemp(prefix='bulla-functional-', dir=harness.scratch())
        cls.addClassCleanup(shutil.rmtree, cls.home, True)
        cls.out = tempfile.TemporaryFile()
        cls.addClassCleanup(cls.out.close)
        cls.process = subprocess.Popen([harness.settings['command'], 'kms', 'serve', '--dev', '--listen', '127.0.0.1:0'],
                                       stdin=subprocess.DEVNULL, stdout=cls.out, stderr=subprocess.DEVNULL, cwd=cls.home,
                                       env={**os.environ, 'LC_ALL': 'C.UTF-8'})
        cls.addClassCleanup(cls.end)
        said = harness.wait_until(cls.said, READY)
        variables = dict(re.findall(r'^export (\w+)=(.*)$', said, re.M))
        cls.kms = botocore.session.Session().create_client(
            'kms', region_name='us-east-1', endpoint_url=re.search(r'^listening on (\S+)$', said, re.M).group(1),
            aws_access_key_id=variables['AWS_ACCESS_KEY_ID'], aws_secret_access_key=variables['AWS_SECRET_ACCESS_KEY'],
            config=botocore.config.Config(retries={'max_attempts': 0}))

    @classmethod
    def said(cls):
        cls.out.seek(0)
        said = cls.out.read().decode()
        return said if '\naws --endpoint-url ' in said else None

    @classmethod
    def end(cls):
        cls.process.send_signal(signal.SIGKILL)
        cls.process.wait(harness.LONG)

    def key(self, spec, usage):
        return self.kms.create_key(KeySpec=spec, KeyUsage=usage)['KeyMetadata']

    def refused(self, error, text, operation, **members):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            getattr(self.kms, operation)(**members)
        answer = caught.exception.response
        self.assertEqual(answer['Error']['Code'], error, answer)
        self.assertIn(text, answer['Error'].get('Message', ''))

    def openssl(self, *args, files):
        for name, content in files.items():
            with open(self.path(name), 'wb') as file:
                file.write(content)
        return subprocess.run(['openssl', *args], cwd=self.dir, capture_output=True, timeout=harness.LONG)


class Kinds(Served):
    def test_metadata(self):
        made = self.key('RSA_2048', 'SIGN_VERIFY')
        self.assertEqual((made['KeySpec'], made['KeyUsage'], made['CustomerMasterKeySpec']), ('RSA_2048', 'SIGN_VERIFY', 'RSA_2048'))
        self.assertIn('RSASSA_PSS_SHA_256', made['SigningAlgorithms'])
        self.assertEqual(self.kms.describe_key(KeyId=made['KeyId'])['KeyMetadata'], made)
        self.assertEqual(self.key('HMAC_384', 'GENERATE_VERIFY_MAC')['MacAlgorithms'], ['HMAC_SHA_384'])
        for text, members in (('You must specify a KeyUsage value', {'KeySpec': 'HMAC_256'}),
                              ('KeyUsage SIGN_VERIFY is not compatible with KeySpec HMAC_256', {'KeySpec': 'HMAC_256', 'KeyUsage': 'SIGN_VERIFY'})):
            self.refused('ValidationException', text, 'create_key', **members)
        self.refused('UnsupportedOperationException', 'SM2', 'create_key', KeySpec='SM2', KeyUsage='SIGN_VERIFY')
        for operation in ('enable_key_rotation', 'disable_key_rotation', 'get_key_rotation_status'):
            self.refused('UnsupportedOperationException', 'key spec is RSA_2048', operation, KeyId=made['KeyId'])

    def test_sign(self):
        for spec, algorithm in (('RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256'), ('ECC_NIST_P256', 'ECDSA_SHA_256')):
            key = self.key(spec, 'SIGN_VERIFY')['KeyId']
            signed = self.kms.sign(KeyId=key, Message=b'a message', SigningAlgorithm=algorithm)
            asked = {'KeyId': key, 'Signature': signed['Signature'], 'SigningAlgorithm': algorithm}
            digest = hashlib.sha256(b'a message').digest()
            self.assertTrue(self.kms.verify(Message=digest, MessageType='DIGEST', **asked)['SignatureValid'])
            self.refused('KMSInvalidSignatureException', '', 'verify', Message=b'another', **asked)
            self.refused('ValidationException', '', 'sign', KeyId=key, Message=b'short', MessageType='DIGEST', SigningAlgorithm=algorithm)
            public = self.kms.get_public_key(KeyId=key)
            self.assertEqual((public['KeySpec'], public['KeyUsage']), (spec, 'SIGN_VERIFY'))
            checked = self.openssl('dgst', '-sha256', '-keyform', 'DER', '-verify', 'public', '-signature', 'signature', 'message',
                                   files={'public': public['PublicKey'], 'signature': signed['Signature'], 'message': b'a message'})
            self.assertEqual(checked.returncode, 0, checked)
        self.refused('InvalidKeyUsageException', 'key usage is SIGN_VERIFY which is not valid for Encrypt', 'encrypt', KeyId=key, Plaintext=b'x')
        self.refused('InvalidKeyUsageException', 'incompatible with the key spec ECC_NIST_P256', 'sign', KeyId=key, Message=b'x',
                     SigningAlgorithm='ECDSA_SHA_384')
        self.kms.disable_key(KeyId=key)
        self.refused('DisabledException', '', 'sign', KeyId=key, Message=b'x', SigningAlgorithm='ECDSA_SHA_256')

    def test_mac(self):
        key = self.key('HMAC_256', 'GENERATE_VERIFY_MAC')['KeyId']
        asked = {'KeyId': key, 'Message': b'a message', 'MacAlgorithm': 'HMAC_SHA_256'}
        mac = self.kms.generate_mac(**asked)['Mac']
        self.assertEqual(len(mac), 32)
        self.assertTrue(self.kms.verify_mac(Mac=mac, **asked)['MacValid'])
        self.refused('KMSInvalidMacException', '', 'verify_mac', Mac=mac[:-1] + bytes([mac[-1] ^ 1]), **asked)
        self.refused('UnsupportedOperationException', 'HMAC_256', 'get_public_key', KeyId=key)
        self.assertNotEqual(mac, hmac.new(b'', b'a message', 'sha256').digest())

    def test_oaep(self):
        key = self.key('RSA_2048', 'ENCRYPT_DECRYPT')['KeyId']
        asked = {'KeyId': key, 'EncryptionAlgorithm': 'RSAES_OAEP_SHA_256'}
        sealed = self.kms.encrypt(Plaintext=b'secret', **asked)
        self.assertEqual(sealed['EncryptionAlgorithm'], 'RSAES_OAEP_SHA_256')
        self.assertEqual(self.kms.decrypt(CiphertextBlob=sealed['CiphertextBlob'], **asked)['Plaintext'], b'secret')
        public = self.kms.get_public_key(KeyId=key)['PublicKey']
        outside = self.openssl('pkeyutl', '-encrypt', '-pubin', '-keyform', 'DER', '-inkey', 'public', '-in', 'plain', '-pkeyopt', 'rsa_padding_mode:oaep',
                               '-pkeyopt', 'rsa_oaep_md:sha256', '-pkeyopt', 'rsa_mgf1_md:sha256', files={'public': public, 'plain': b'from outside'})
        self.assertEqual(self.kms.decrypt(CiphertextBlob=outside.stdout, **asked)['Plaintext'], b'from outside')
        self.refused('InvalidCiphertextException', '', 'decrypt', CiphertextBlob=bytes(256), **asked)
        self.refused('ValidationException', 'at most 190', 'encrypt', Plaintext=bytes(191), **asked)
        self.refused('InvalidKeyUsageException', 'SYMMETRIC_DEFAULT', 'encrypt', KeyId=key, Plaintext=b'x')

    def test_data_key_pair(self):
        key = self.kms.create_key()['KeyMetadata']['KeyId']
        asked = {'KeyId': key, 'KeyPairSpec': 'ECC_NIST_P384', 'EncryptionContext': {'tenant': '7'}}
        made = self.kms.generate_data_key_pair(**asked)
        opened = self.kms.decrypt(CiphertextBlob=made['PrivateKeyCiphertextBlob'], EncryptionContext={'tenant': '7'})
        self.assertEqual(opened['Plaintext'], made['PrivateKeyPlaintext'])
        public = self.openssl('pkey', '-inform', 'DER', '-in', 'private', '-pubout', '-outform', 'DER', files={'private': opened['Plaintext']})
        self.assertEqual(public.stdout, made['PublicKey'])
        bare = self.kms.generate_data_key_pair_without_plaintext(**asked)
        self.assertNotIn('PrivateKeyPlaintext', bare)
        self.assertEqual(bare['KeyPairSpec'], 'ECC_NIST_P384')
        mac = self.key('HMAC_256', 'GENERATE_VERIFY_MAC')['KeyId']
        self.refused('InvalidKeyUsageException', 'not valid for GenerateDataKeyPair', 'generate_data_key_pair', KeyId=mac, KeyPairSpec='RSA_2048')


if __name__ == '__main__':
    harness.main()
