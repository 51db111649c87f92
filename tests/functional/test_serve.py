"""The key server as AWS's own clients meet it: boto3, the AWS CLI and Ruby's SDK where they are installed, and requests signed by hand.

What is expected is what the real service answers: its codes, its words, its HTTP status.
"""
import base64
import datetime
import os
import re
import shutil
import socket
import subprocess
import unittest

import harness
import server
from server import ACCOUNT, REGION, needs_boto3

NOBODY = '00000000-0000-4000-8000-000000000000'
FOREIGN = 'arn:aws:kms:eu-central-1:%s:key/%s' % (ACCOUNT, NOBODY)
CONTEXT = {'tenant': '7', 'purpose': 'ssn'}
CAPTURED = ('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')


def exactly(text, *parts):
    return re.compile('^%s$' % text.replace('{}', '%s') % tuple(map(re.escape, parts)))


@needs_boto3
class Use(server.Served):
    """Operations that use keys."""

    def test_encrypt_and_decrypt(self):
        key, arn = self.key(Description='to encrypt with')
        sealed = self.kms.encrypt(KeyId=key, Plaintext=b'a secret', EncryptionContext=CONTEXT)
        self.assertEqual((sealed['KeyId'], sealed['EncryptionAlgorithm']), (arn, 'SYMMETRIC_DEFAULT'))
        self.assertNotIn('KeyMaterialId', sealed)
        turned = dict(reversed(CONTEXT.items()))
        opened = self.kms.decrypt(CiphertextBlob=sealed['CiphertextBlob'], EncryptionContext=turned)
        self.assertEqual((opened['Plaintext'], opened['KeyId']), (b'a secret', arn))
        self.assertRegex(self.material(sealed['CiphertextBlob'], CONTEXT), '^[0-9a-f]{64}$')
        self.assertTrue(re.match('^[0-9a-f-]{36}$', sealed['ResponseMetadata']['RequestId']))
        self.kms.decrypt(CiphertextBlob=sealed['CiphertextBlob'], EncryptionContext=CONTEXT, KeyId=arn)

    def test_what_does_not_open(self):
        key, _ = self.key()
        blob = self.kms.encrypt(KeyId=key, Plaintext=b'a secret', EncryptionContext=CONTEXT)['CiphertextBlob']
        for wrong in ({}, {'tenant': '8', 'purpose': 'ssn'}, {'Tenant': '7', 'purpose': 'ssn'}, {**CONTEXT, 'more': ''}):
            self.refused('InvalidCiphertextException', '', 'decrypt', CiphertextBlob=blob, EncryptionContext=wrong)
        for foreign in (b'x', blob[:-1], blob + b'x', blob[:40] + bytes([blob[40] ^ 1]) + blob[41:], os.urandom(len(blob))):
            self.refused('InvalidCiphertextException', '', 'decrypt', CiphertextBlob=foreign, EncryptionContext=CONTEXT)
        self.refused('IncorrectKeyException', 'The key ID in the request does not identify a CMK that can perform this operation.',
                     'decrypt', CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=self.key()[0])

    def test_data_keys(self):
        key, arn = self.key()
        for size, asked in ((32, {'KeySpec': 'AES_256'}), (16, {'KeySpec': 'AES_128'}), (1, {'NumberOfBytes': 1}),
                            (1024, {'NumberOfBytes': 1024})):
            made = self.kms.generate_data_key(KeyId=key, EncryptionContext=CONTEXT, **asked)
            self.assertEqual((len(made['Plaintext']), made['KeyId']), (size, arn))
            opened = self.kms.decrypt(CiphertextBlob=made['CiphertextBlob'], EncryptionContext=CONTEXT)
            self.assertEqual(opened['Plaintext'], made['Plaintext'])
            quiet = self.kms.generate_data_key_without_plaintext(KeyId=key, EncryptionContext=CONTEXT, **asked)
            self.assertNotIn('Plaintext', quiet)
            self.assertEqual(len(self.kms.decrypt(CiphertextBlob=quiet['CiphertextBlob'],
                                                  EncryptionContext=CONTEXT)['Plaintext']), size)
        either = 'Please specify either number of bytes or key spec.'
        self.refused('ValidationException', either, 'generate_data_key', KeyId=key)
        self.refused('ValidationException', either, 'generate_data_key', KeyId=key, KeySpec='AES_256', NumberOfBytes=32)

    def test_re_encrypt(self):
        (one, one_arn), (two, two_arn) = self.key(), self.key()
        blob = self.kms.encrypt(KeyId=one, Plaintext=b'a secret', EncryptionContext=CONTEXT)['CiphertextBlob']
        moved = self.kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=two,
                                    DestinationEncryptionContext={'other': 'context'})
        self.assertEqual((moved['SourceKeyId'], moved['KeyId']), (one_arn, two_arn))
        self.assertEqual({moved['SourceEncryptionAlgorithm'], moved['DestinationEncryptionAlgorithm']}, {'SYMMETRIC_DEFAULT'})
        self.assertNotEqual(self.material(blob, CONTEXT), self.material(moved['CiphertextBlob'], {'other': 'context'}))
        self.assertEqual(self.kms.decrypt(CiphertextBlob=moved['CiphertextBlob'], EncryptionContext={'other': 'context'},
                                          KeyId=two)['Plaintext'], b'a secret')
        self.refused('InvalidCiphertextException', '', 're_encrypt', CiphertextBlob=blob, DestinationKeyId=two)
        self.refused('IncorrectKeyException', re.compile('does not identify a CMK'), 're_encrypt', CiphertextBlob=blob, SourceKeyId=two,
                     SourceEncryptionContext=CONTEXT, DestinationKeyId=two)

    def test_random(self):
        for size in (1, 32, 1024):
            self.assertEqual(len(self.kms.generate_random(NumberOfBytes=size)['Plaintext']), size)
        self.assertNotEqual(self.kms.generate_random(NumberOfBytes=32)['Plaintext'],
                            self.kms.generate_random(NumberOfBytes=32)['Plaintext'])
        self.refused('ValidationException', 'NumberOfBytes is required.', 'generate_random')
        answer = self.server.ask('GenerateRandom', {'NumberOfBytes': 0}).json
        self.assertEqual(answer, {'__type': 'ValidationException',
                                  'message': "1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: "
                                             'Member must have value greater than or equal to 1'})

    def test_bounds_come_before_everything_else(self):
        long = base64.b64encode(bytes(4097)).decode()
        answer = self.server.ask('Encrypt', {'KeyId': NOBODY, 'Plaintext': long}).json
        self.assertEqual(answer['__type'], 'ValidationException')
        self.assertRegex(answer['message'], "^1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
                                            'Member must have length less than or equal to 4096$')
        key, _ = self.key()
        self.assertEqual(len(self.kms.decrypt(CiphertextBlob=self.kms.encrypt(KeyId=key, Plaintext=bytes(4096))['CiphertextBlob'])
                             ['Plaintext']), 4096)
        answer = self.server.ask('GenerateDataKey', {'KeyId': key, 'KeySpec': 'AES_512'}).json
        self.assertRegex(answer['message'], "Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set")

    def test_dry_run(self):
        key, _ = self.key()
        blob = self.kms.encrypt(KeyId=key, Plaintext=b'a secret')['CiphertextBlob']
        told = {'__type': 'DryRunOperationException', 'message': 'The request would have succeeded, but the DryRun option is set.'}
        text = base64.b64encode(blob).decode()
        for operation, members in (('Encrypt', {'KeyId': key, 'Plaintext': 'AAAA'}), ('Decrypt', {'CiphertextBlob': text}),
                                   ('GenerateDataKey', {'KeyId': key, 'KeySpec': 'AES_256'}),
                                   ('GenerateDataKeyWithoutPlaintext', {'KeyId': key, 'KeySpec': 'AES_256'}),
                                   ('ReEncrypt', {'CiphertextBlob': text, 'DestinationKeyId': key})):
            answer = self.server.ask(operation, {**members, 'DryRun': True})
            self.assertEqual((answer.status, answer.json), (400, told), operation)
        self.assertEqual(self.server.ask('Decrypt', {'CiphertextBlob': text, 'DryRun': True, 'EncryptionContext': {'a': 'b'}}).type,
                         'InvalidCiphertextException')
        self.assertEqual(self.server.ask('Encrypt', {'KeyId': NOBODY, 'Plaintext': 'AAAA', 'DryRun': True}).type, 'NotFoundException')


@needs_boto3
class Manage(server.Served):
    """Operations that change keys and aliases, or tell of them."""

    def state(self, key):
        return self.kms.describe_key(KeyId=key)['KeyMetadata']['KeyState']

    def test_create_and_describe(self):
        made = self.kms.create_key(Description='the first')
        key = made['KeyMetadata']
        self.assertEqual(made['ResponseMetadata']['HTTPHeaders']['content-type'], 'application/x-amz-json-1.1')
        self.assertEqual(key['Arn'], 'arn:aws:kms:%s:%s:key/%s' % (REGION, ACCOUNT, key['KeyId']))
        self.assertLess(abs(key['CreationDate'].timestamp() - datetime.datetime.now().timestamp()), 60)
        fixed = {'AWSAccountId': ACCOUNT, 'Enabled': True, 'Description': 'the first', 'KeyUsage': 'ENCRYPT_DECRYPT', 'KeyState': 'Enabled',
                 'Origin': 'AWS_KMS', 'KeyManager': 'CUSTOMER', 'CustomerMasterKeySpec': 'SYMMETRIC_DEFAULT',
                 'KeySpec': 'SYMMETRIC_DEFAULT', 'EncryptionAlgorithms': ['SYMMETRIC_DEFAULT'], 'MultiRegion': False}
        self.assertEqual({name: key.get(name) for name in fixed}, fixed)
        self.assertEqual(self.kms.describe_key(KeyId=key['Arn'])['KeyMetadata'], key)
        self.kms.update_key_description(KeyId=key['KeyId'], Description='another')
        self.assertEqual(self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']['Description'], 'another')
        long = '\u00e4' * 8192
        self.kms.update_key_description(KeyId=key['KeyId'], Description=long)
        self.assertEqual(self.kms.describe_key(KeyId=key['KeyId'])['KeyMetadata']['Description'], long)
        self.assertEqual(self.server.ask('CreateKey', {'Description': 'x' * 8193}).type, 'ValidationException')

    def test_key_ids(self):
        key, arn = self.key()
        alias = 'alias/ids/%s' % key[:8]
        self.kms.create_alias(AliasName=alias, TargetKeyId=key)
        alias_arn = arn.split(':key/')[0] + ':' + alias
        for name in (key, arn, alias, alias_arn):
            self.assertEqual(self.kms.describe_key(KeyId=name)['KeyMetadata']['Arn'], arn)
            self.assertEqual(self.kms.encrypt(KeyId=name, Plaintext=b'x')['KeyId'], arn)
            self.kms.decrypt(KeyId=name, CiphertextBlob=self.kms.encrypt(KeyId=key, Plaintext=b'x')['CiphertextBlob'])
        for operation, more in (('enable_key', {}), ('disable_key', {}), ('schedule_key_deletion', {}), ('cancel_key_deletion', {}),
                                ('enable_key_rotation', {}), ('disable_key_rotation', {}), ('get_key_rotation_status', {}),
                                ('update_key_description', {'Description': 'x'}), ('get_key_policy', {'PolicyName': 'default'}),
                                ('put_key_policy', {'PolicyName': 'default', 'Policy': '{}'}), ('list_key_policies', {})):
            for name in (alias, alias_arn):
                self.refused('NotFoundException', exactly("Invalid keyId '{}'", name), operation, KeyId=name, **more)
        self.assertEqual(self.state(key), 'Enabled')

    def test_what_is_not_there(self):
        key, arn = self.key()
        there = arn.split(':key/')[0]
        for operation, more in (('describe_key', {}), ('encrypt', {'Plaintext': b'x'}), ('enable_key', {}), ('get_key_rotation_status', {}),
                                ('schedule_key_deletion', {})):
            self.refused('NotFoundException', "Key '%s:key/%s' does not exist" % (there, NOBODY), operation, KeyId=NOBODY, **more)
            self.refused('NotFoundException', "Invalid keyId 'nothing'", operation, KeyId='nothing', **more)
            self.refused('NotFoundException', 'Invalid arn eu-central-1', operation, KeyId=FOREIGN, **more)
        self.refused('NotFoundException', 'Alias %s:alias/nobody is not found.' % there, 'describe_key', KeyId='alias/nobody')
        self.refused('NotFoundException', 'Alias %s:alias/nobody is not found.' % there, 'delete_alias', AliasName='alias/nobody')

    def test_aliases(self):
        (one, arn), (two, _) = self.key(), self.key()
        alias = 'alias/Test_1/%s' % one[:8]
        self.kms.create_alias(AliasName=alias, TargetKeyId=one)
        told = self.kms.list_aliases(KeyId=one)['Aliases']
        self.assertEqual([(a['AliasName'], a['AliasArn'], a['TargetKeyId']) for a in told],
                         [(alias, '%s:%s' % (arn.split(':key/')[0], alias), one)])
        self.refused('AlreadyExistsException', 'An alias with the name %s:%s already exists' % (arn.split(':key/')[0], alias),
                     'create_alias', AliasName=alias, TargetKeyId=two)
        self.kms.update_alias(AliasName=alias, TargetKeyId=two)
        self.assertEqual(self.kms.describe_key(KeyId=alias)['KeyMetadata']['KeyId'], two)
        self.assertEqual(self.kms.list_aliases(KeyId=one)['Aliases'], [])
        self.refused('ValidationException', re.compile('^Alias must start with the prefix "alias/". Please see https://docs.aws'),
                     'create_alias', AliasName='nothing', TargetKeyId=one)
        self.refused('NotFoundException', re.compile('alias/aws/'), 'create_alias', AliasName='alias/aws/s3', TargetKeyId=one)
        self.refused('NotFoundException', exactly("Invalid keyId '{}'", alias), 'create_alias', AliasName='alias/x', TargetKeyId=alias)
        self.refused('ValidationException', re.compile("at 'aliasName' failed to satisfy constraint: Member must satisfy regular "
                                                       'expression pattern'), 'create_alias', AliasName='alias/a b', TargetKeyId=one)
        self.kms.delete_alias(AliasName=alias)
        self.refused('NotFoundException', re.compile('is not found'), 'describe_key', KeyId=alias)

    def test_states(self):
        """The table of states: which operation says what on a key that is disabled, or waits for its deletion."""
        key, arn = self.key()
        blob = self.kms.encrypt(KeyId=key, Plaintext=b'x')['CiphertextBlob']
        alias = 'alias/states/%s' % key[:8]
        self.kms.create_alias(AliasName=alias, TargetKeyId=key)
        uses = (('encrypt', {'KeyId': key, 'Plaintext': b'x'}), ('decrypt', {'CiphertextBlob': blob}),
                ('generate_data_key', {'KeyId': key, 'KeySpec': 'AES_256'}),
                ('generate_data_key_without_plaintext', {'KeyId': key, 'KeySpec': 'AES_256'}),
                ('re_encrypt', {'CiphertextBlob': blob, 'DestinationKeyId': key}))
        rotation = (('enable_key_rotation', {'KeyId': key}), ('disable_key_rotation', {'KeyId': key}))
        reading = (('describe_key', {'KeyId': key}), ('get_key_policy', {'KeyId': key, 'PolicyName': 'default'}),
                   ('list_key_policies', {'KeyId': key}), ('get_key_rotation_status', {'KeyId': key}), ('list_aliases', {'KeyId': key}))
        managing = (('disable_key', {'KeyId': key}), ('update_key_description', {'KeyId': key, 'Description': 'x'}),
                    ('create_alias', {'AliasName': alias + '2', 'TargetKeyId': key}))
        self.refused('KMSInvalidStateException', '%s is not pending deletion.' % arn, 'cancel_key_deletion', KeyId=key)
        self.kms.disable_key(KeyId=key)
        for operation, members in uses + rotation:
            self.refused('DisabledException', '%s is disabled.' % arn, operation, **members)
        self.assertEqual(self.server.ask('RotateKeyOnDemand', {'KeyId': key}).json,
                         {'__type': 'DisabledException', 'message': '%s is disabled.' % arn})
        for operation, members in reading + managing:
            getattr(self.kms, operation)(**members)
        told = self.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        self.assertEqual((told['KeyId'], told['KeyState'], told['PendingWindowInDays']), (arn, 'PendingDeletion', 7))
        for operation, members in uses + rotation + managing + (('enable_key', {'KeyId': key}), ('schedule_key_deletion', {'KeyId': key})):
            self.refused('KMSInvalidStateException', '%s is pending deletion.' % arn, operation, **{**members, **(
                {'AliasName': alias + '3'} if operation == 'create_alias' else {})})
        self.assertEqual(self.server.ask('RotateKeyOnDemand', {'KeyId': key}).json,
                         {'__type': 'KMSInvalidStateException', 'message': '%s is pending deletion.' % arn})
        for operation, members in reading:
            getattr(self.kms, operation)(**members)
        other, _ = self.key()
        self.kms.create_alias(AliasName=alias + '4', TargetKeyId=other)
        self.refused('KMSInvalidStateException', '%s is pending deletion.' % arn, 'update_alias', AliasName=alias + '4', TargetKeyId=key)
        self.kms.update_alias(AliasName=alias, TargetKeyId=other)
        self.kms.delete_alias(AliasName=alias + '2')
        self.assertEqual(self.kms.cancel_key_deletion(KeyId=key)['KeyId'], arn)
        self.assertEqual(self.state(key), 'Disabled')
        self.kms.enable_key(KeyId=key)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)['Plaintext'], b'x')

    def test_deletion(self):
        key, arn = self.key()
        for days in (6, 31):
            self.refused('ValidationException', re.compile('7'), 'schedule_key_deletion', KeyId=key, PendingWindowInDays=days)
        self.assertEqual(self.state(key), 'Enabled')
        told = self.kms.schedule_key_deletion(KeyId=key)
        self.assertEqual((told['KeyId'], told['PendingWindowInDays']), (arn, 30))
        left = told['DeletionDate'].timestamp() - datetime.datetime.now().timestamp()
        self.assertAlmostEqual(left / 86400, 30, delta=0.1)
        metadata = self.kms.describe_key(KeyId=key)['KeyMetadata']
        self.assertEqual((metadata['KeyState'], metadata['Enabled'], metadata['DeletionDate']),
                         ('PendingDeletion', False, told['DeletionDate']))

    def test_rotation(self):
        key, arn = self.key()
        before = self.kms.encrypt(KeyId=key, Plaintext=b'before')['CiphertextBlob']
        status = self.kms.get_key_rotation_status(KeyId=key)
        self.assertIs(status['KeyRotationEnabled'], False)
        self.kms.enable_key_rotation(KeyId=key)
        told = self.server.ask('GetKeyRotationStatus', {'KeyId': key}).json
        self.assertEqual((told['KeyId'], told['KeyRotationEnabled'], told['RotationPeriodInDays']), (key, True, 365))
        self.server.ask('EnableKeyRotation', {'KeyId': key, 'RotationPeriodInDays': 90})
        self.assertEqual(self.server.ask('GetKeyRotationStatus', {'KeyId': key}).json['RotationPeriodInDays'], 90)
        for days in (89, 2561):
            self.assertEqual(self.server.ask('EnableKeyRotation', {'KeyId': key, 'RotationPeriodInDays': days}).type,
                             'ValidationException')
        first = self.describe(key)
        self.assertEqual(self.server.ask('RotateKeyOnDemand', {'KeyId': key}).json, {'KeyId': arn})
        after = self.kms.encrypt(KeyId=key, Plaintext=b'after')['CiphertextBlob']
        self.assertEqual([self.kms.decrypt(CiphertextBlob=blob)['Plaintext'] for blob in (before, after)], [b'before', b'after'])
        old, new = self.material(before), self.material(after)
        self.assertNotEqual(old, new)
        self.assertEqual([m['CurrentKeyMaterialId'] for m in (first, self.describe(key))], [old, new])
        rotations = self.server.ask('ListKeyRotations', {'KeyId': key}).json
        self.assertEqual([(r['KeyId'], r['RotationType'], r['KeyMaterialId']) for r in rotations['Rotations']],
                         [(arn, 'ON_DEMAND', new)])
        everything = self.server.ask('ListKeyRotations', {'KeyId': key, 'IncludeKeyMaterial': 'ALL_KEY_MATERIAL'}).json
        self.assertEqual({(r['KeyMaterialId'], r['KeyMaterialState']) for r in everything['Rotations']},
                         {(old, 'NON_CURRENT'), (new, 'CURRENT')})
        self.kms.disable_key_rotation(KeyId=key)
        self.assertIs(self.kms.get_key_rotation_status(KeyId=key)['KeyRotationEnabled'], False)

    def test_on_demand_rotations_end(self):
        key, arn = self.key()
        for _ in range(25):
            self.assertEqual(self.server.ask('RotateKeyOnDemand', {'KeyId': key}).status, 200)
        self.assertEqual(self.server.ask('RotateKeyOnDemand', {'KeyId': key}).json, {
            '__type': 'LimitExceededException',
            'message': 'The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed '
                       'for this key: %s' % arn})

    def test_policies(self):
        key, arn = self.key()
        self.assertEqual(self.kms.list_key_policies(KeyId=key)['PolicyNames'], ['default'])
        self.assertIn('"Sid" : "Enable IAM User Permissions"', self.kms.get_key_policy(KeyId=key, PolicyName='default')['Policy'])
        policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"},' \
                 '{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*"}]}'
        self.kms.put_key_policy(KeyId=key, PolicyName='default', Policy=policy)
        self.assertEqual(self.kms.get_key_policy(KeyId=key, PolicyName='default')['Policy'], policy)
        self.refused('AccessDeniedException', re.compile(
            '^User: arn:aws:iam::%s:user/dev is not authorized to perform: kms:Encrypt on resource: %s with an explicit deny in a resource-based policy$' % (
                ACCOUNT, arn)), 'encrypt', KeyId=key, Plaintext=b'x')
        self.kms.generate_data_key(KeyId=key, KeySpec='AES_256')
        self.refused('MalformedPolicyDocumentException', re.compile('.'), 'put_key_policy', KeyId=key, PolicyName='default',
                     Policy='{"Version":"2012-10-17"}')
        self.refused('NotFoundException', 'No such policy exists', 'get_key_policy', KeyId=key, PolicyName='other')
        self.assertEqual(self.kms.get_key_policy(KeyId=key, PolicyName='default')['Policy'], policy)

    def test_pages(self):
        keys = [self.key()[0] for _ in range(5)]
        for i, key in enumerate(keys):
            self.kms.create_alias(AliasName='alias/pages/%s/%d' % (keys[0][:8], i), TargetKeyId=keys[i % 2])
        pages = list(self.kms.get_paginator('list_keys').paginate(PaginationConfig={'PageSize': 2}))
        self.assertTrue(all(len(page['Keys']) == 2 for page in pages[:-1]))
        self.assertTrue(all(page['Truncated'] and page['NextMarker'] for page in pages[:-1]))
        self.assertEqual((pages[-1]['Truncated'], 'NextMarker' in pages[-1]), (False, False))
        listed = [k['KeyId'] for page in pages for k in page['Keys']]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(set(keys), set(listed))
        names = [a['AliasName'] for page in self.kms.get_paginator('list_aliases').paginate(PaginationConfig={'PageSize': 1})
                 for a in page['Aliases']]
        self.assertEqual(len([n for n in names if n.startswith('alias/pages/%s/' % keys[0][:8])]), 5)
        self.assertEqual(len(self.kms.list_aliases(KeyId=keys[0])['Aliases']), 3)
        self.refused('InvalidMarkerException', re.compile('.'), 'list_keys', Marker='no marker of ours')

    def test_what_is_not_supported(self):
        for operation in ('CreateCustomKeyStore', 'ConnectCustomKeyStore', 'DescribeCustomKeyStores'):
            members = {'CustomKeyStoreId': 'cks-1234567890abcdef0'} if operation.startswith('Connect') else {}
            if operation.startswith('Create'):
                members = {'CustomKeyStoreName': 'x'}
            answer = self.server.ask(operation, members)
            self.assertEqual((answer.status, answer.type), (400, 'UnsupportedOperationException'), operation)
        self.assertEqual(self.server.ask('NoSuchOperation').type, 'UnknownOperationException')


class Signatures(server.Served):
    """Who may ask: what is refused before anything else is looked at."""

    def says(self, answer, error, text):
        self.assertEqual((answer.status, answer.type), (400, error), str(answer))
        self.assertRegex(answer.json.get('message', ''), text)

    def test_what_does_not_verify(self):
        key_id, secret = self.server.access
        mismatch = '^The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key'
        self.says(self.server.ask('ListKeys', access=(key_id, secret[:-1] + 'x')), 'InvalidSignatureException', mismatch)
        self.says(self.server.ask('ListKeys', access=('AKIANOBODY0000000000', secret)), 'UnrecognizedClientException',
                  '^The security token included in the request is invalid.$')
        now = datetime.datetime.now(datetime.timezone.utc)
        for change in ({'x-amz-target': 'TrentService.ListAliases'}, {'host': 'elsewhere'}, {'x-amz-date': '20200101T000000Z'}):
            headers = server.sign(self.server.headers('TrentService.ListKeys'), b'{}', self.server.access, now)
            self.says(self.server.send({**headers, **change}, b'{}'), 'InvalidSignatureException', '.')
        headers = server.sign(self.server.headers('TrentService.ListKeys'), b'{}', self.server.access, now)
        self.says(self.server.send(headers, b'{ }'), 'InvalidSignatureException', mismatch)
        del headers['authorization']
        self.says(self.server.send(headers, b'{}'), 'MissingAuthenticationTokenException', '^Missing Authentication Token$')
        self.says(self.server.send({**headers, 'authorization': 'AWS4-HMAC-SHA256 Credential=x'}, b'{}'),
                  'IncompleteSignatureException', '.')

    def test_the_clock(self):
        self.assertEqual(self.server.ask('ListKeys', late=290).status, 200)
        self.assertEqual(self.server.ask('ListKeys', late=-290).status, 200)
        self.says(self.server.ask('ListKeys', late=310), 'InvalidSignatureException', r'^Signature expired: \w+ is now earlier than \w+ ')
        self.says(self.server.ask('ListKeys', late=-310), 'InvalidSignatureException', '^Signature not yet current: ')

    def test_the_scope(self):
        self.assertEqual(self.server.ask('ListKeys', region='mars-north-1').status, 200)  # --dev answers for any
        self.says(self.server.ask('ListKeys', service='s3'), 'InvalidSignatureException', "scoped to correct service: 'kms'")

    def test_a_replay_is_answered(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        headers = server.sign(self.server.headers('TrentService.GenerateRandom'), b'{"NumberOfBytes":32}', self.server.access, now)
        answers = [self.server.send(headers, b'{"NumberOfBytes":32}') for _ in range(2)]
        self.assertEqual([a.status for a in answers], [200, 200])
        self.assertNotEqual(answers[0].json, answers[1].json)
        ids = [a.headers['x-amzn-requestid'] for a in answers]
        self.assertNotEqual(ids[0], ids[1])

    def test_refusals_are_recorded(self):
        answer = self.server.ask('ListKeys', access=('AKIANOBODY0000000001', 'x' * 40))
        entry = self.entry(answer)
        self.assertEqual((entry['eventName'], entry['errorCode']), ('ListKeys', 'UnrecognizedClientException'))
        self.assertEqual((entry['userIdentity']['type'], entry['userIdentity']['accessKeyId']), ('Unknown', 'AKIANOBODY0000000001'))
        self.assertEqual(entry['sourceIPAddress'], '127.0.0.1')

    def entry(self, answer):
        wanted = answer.headers['x-amzn-requestid']
        found = [e for e in self.audit() if e.get('requestID') == wanted]
        self.assertEqual(len(found), 1, '%s: %s' % (wanted, found))
        return found[0]

    def test_each_request_is_recorded(self):
        """Whoever is answered, with whatever, finds one entry by the request's id."""
        ask = self.server.ask
        key = ask('CreateKey', {'Description': 'recorded'}).json['KeyMetadata']
        blob = ask('Encrypt', {'KeyId': key['KeyId'], 'Plaintext': 'c2VjcmV0', 'EncryptionContext': CONTEXT}).json['CiphertextBlob']
        requests = [
            ('Decrypt', {'CiphertextBlob': blob, 'EncryptionContext': CONTEXT}, None),
            ('Decrypt', {'CiphertextBlob': blob}, 'InvalidCiphertextException'),
            ('Encrypt', {'KeyId': 'alias/nobody', 'Plaintext': 'c2VjcmV0'}, 'NotFoundException'),
            ('GenerateRandom', {'NumberOfBytes': 0}, 'ValidationException'),
            ('GenerateDataKey', {'KeyId': key['KeyId']}, 'ValidationException'),
            ('DescribeKey', {'KeyId': key['KeyId']}, None),
            ('DescribeKey', {'KeyId': 'nothing'}, 'NotFoundException'),
            ('ListKeys', {'Marker': 'nothing'}, 'InvalidMarkerException'),
            ('DisableKey', {'KeyId': 'alias/x'}, 'NotFoundException'),
            ('ScheduleKeyDeletion', {'KeyId': key['KeyId'], 'PendingWindowInDays': 5}, 'ValidationException'),
            ('CreateAlias', {'AliasName': 'x', 'TargetKeyId': key['KeyId']}, 'ValidationException'),
            ('CancelKeyDeletion', {'KeyId': key['KeyId']}, 'KMSInvalidStateException'),
            ('GetKeyPolicy', {'KeyId': key['KeyId'], 'PolicyName': 'other'}, 'NotFoundException'),
            ('PutKeyPolicy', {'KeyId': key['KeyId'], 'Policy': '{}'}, 'MalformedPolicyDocumentException'),
            ('CreateKey', {'KeySpec': 'SM2', 'KeyUsage': 'SIGN_VERIFY'}, None),
            ('CreateCustomKeyStore', {'CustomKeyStoreName': 'x'}, 'UnsupportedOperationException'),
        ]
        answers = [(operation, members, error, ask(operation, members)) for operation, members, error in requests]
        entries = {}
        for entry in self.audit():
            entries.setdefault(entry.get('requestID'), []).append(entry)
        for operation, members, error, answer in answers:
            found = entries.get(answer.headers['x-amzn-requestid'], [])
            about = '%s %s: %s' % (operation, members, answer)
            self.assertEqual([e['eventName'] for e in found], [operation], about)
            self.assertEqual(found[0].get('errorCode'), answer.type, about)
            if error:
                self.assertEqual(answer.type, error, about)
            self.assertEqual((found[0]['userIdentity']['type'], found[0]['userIdentity']['userName']), ('IAMUser', 'dev'), about)
            self.assertEqual(found[0]['userIdentity']['accessKeyId'], self.server.access[0])
            asked = found[0].get('requestParameters') or {}
            for name in set(members) & {'KeyId', 'EncryptionContext', 'PendingWindowInDays', 'AliasName'}:
                self.assertEqual(asked.get(name[0].lower() + name[1:]), members[name], about)
            for secret in ('c2VjcmV0', blob):
                self.assertNotIn(secret, str(found[0]))
        self.bulla('audit', 'verify', cwd=self.home)


class Captures(harness.Case):
    """The raw requests of AWS's clients, on a day when they were fresh."""
    THEN = datetime.datetime(2026, 11, 21, 16, 45, 45, tzinfo=datetime.timezone.utc)

    def capture(self, name):
        """Headers and body as they were sent."""
        head, _, body = self.file(name).partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')[1:]
        return [line.split(': ', 1) for line in lines if not line.lower().startswith(('content-length:', 'connection:'))], body

    def file(self, name):
        with open(os.path.join(self.folder, name), 'rb') as file:
            return file.read()

    def send(self, connection, headers, body):
        connection.putrequest('POST', '/', skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader('Content-Length', str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return server.Answer(answer.status, answer.getheaders(), answer.read())

    def test_they_are_answered(self):
        self.folder = os.path.join(harness.shared(), 'kms', 'captures')
        if not os.path.isdir(self.folder):
            self.skipTest('%s is not there' % self.folder)
        self.write('bulla.yaml', server.CONFIG)
        self.write('secret', CAPTURED[1] + '\n')
        os.chmod(self.path('secret'), 0o600)
        then = self.ahead(seconds=(self.THEN - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
        there = server.Server(self.dir, environment=self.environment(then))
        self.addCleanup(there.close)
        self.bulla('kms', 'principal', 'add', 'captured', '--access-key-id', CAPTURED[0], '--secret-file', 'secret', env=then)
        key = there.ask('CreateKey', late=self.lag()).json['KeyMetadata']
        self.assertEqual(there.ask('CreateAlias', {'AliasName': 'alias/x', 'TargetKeyId': key['KeyId']}, late=self.lag()).status, 200)
        policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}'
        self.assertEqual(there.ask('PutKeyPolicy', {'KeyId': key['KeyId'], 'Policy': policy}, late=self.lag()).status, 200)
        connection = there.connect()
        self.addCleanup(connection.close)
        answered = {}
        for name in sorted(os.listdir(self.folder)):
            if not re.match('(awscli|boto3|esdkjs|jsv3|ruby)-', name):
                continue
            headers, body = self.capture(name)
            answer = self.send(connection, headers, body)
            answered[name] = answer.type or answer.status
            self.assertEqual(self.send(connection, headers, body + b' ').type,
                             'InvalidSignatureException' if not name.startswith('boto3-143') else answer.type, name)
        # What was encrypted elsewhere is no ciphertext here, the key of another account no key; nobody gives out session tokens.
        self.assertEqual(answered, {
            'awscli-01.http': 200, 'awscli-02.http': 200,
            'boto3-143-01.http': 'UnrecognizedClientException', 'boto3-143-02.http': 'UnrecognizedClientException',
            'boto3-debian-01.http': 200, 'boto3-debian-02.http': 'InvalidCiphertextException',
            'esdkjs-01.http': 'NotFoundException', 'esdkjs-02.http': 'NotFoundException',
            'jsv3-01.http': 200, 'jsv3-02.http': 'InvalidCiphertextException', 'ruby-01.http': 200})

    def lag(self):
        return (datetime.datetime.now(datetime.timezone.utc) - self.THEN).total_seconds()


class Managed(harness.Case):
    """Under a service manager: a socket that is there already, and somebody who waits for the word."""

    def test_a_socket_is_passed_and_readiness_told(self):
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listening = socket.socket()
        self.addCleanup(told.close)
        self.addCleanup(listening.close)
        told.bind(self.path('notify'))
        told.settimeout(server.READY)
        listening.bind(('127.0.0.1', 0))
        listening.listen(16)
        self.write('bulla.yaml', harness.CONFIG.format(models='  {}'))
        self.bulla('init')
        child = subprocess.Popen(['/bin/sh', '-c', 'export LISTEN_PID=$$; exec "$@" 3<&%d' % listening.fileno(), 'sh',
                                  harness.settings['command'], 'kms', 'serve'], cwd=self.dir, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[listening.fileno()],
                                 env=self.environment({'LISTEN_FDS': '1', 'NOTIFY_SOCKET': self.path('notify')}))
        try:
            self.assertEqual(told.recv(100), b'READY=1')
            self.assertEqual(child.stdout.readline().decode(), 'listening on http://127.0.0.1:%d\n' % listening.getsockname()[1])
            for _ in range(4):  # whichever loop takes it
                with socket.create_connection(listening.getsockname(), timeout=30) as client:
                    client.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
                    self.assertRegex(client.recv(1000), b'^HTTP/1.1 200 ')
            child.terminate()
            self.assertEqual(told.recv(100), b'STOPPING=1')
            self.assertEqual(child.wait(harness.LONG), 0)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    @unittest.skipUnless(shutil.which('systemd-analyze'), 'systemd-analyze is not installed')
    def test_systemd_reads_the_units(self):
        units = [os.path.join(harness.settings['build'], 'systemd', 'bulla-kms.service'), os.path.join(harness.ROOT, 'systemd', 'bulla-kms.socket')]
        folder = self.path('units')
        os.mkdir(folder)
        for unit in units:
            with open(unit, encoding='utf-8') as file:
                text = file.read()
            # where it is installed nothing is yet; the user comes with the package
            text = re.sub(r'^ExecStart=\S+', 'ExecStart=' + harness.settings['command'], text, flags=re.M)
            self.write(os.path.join('units', os.path.basename(unit)), re.sub(r'^(User|Group)=bulla$', r'\1=root', text, flags=re.M))
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', *(os.path.join(folder, os.path.basename(u)) for u in units)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        ours = [line for line in done.stdout.decode().split('\n') if 'bulla' in line]
        self.assertEqual(ours, [], done.stdout.decode())


class Programs(server.Served):
    """Programs of others, as they are installed."""

    def environment(self, more=None):
        return super().environment({**self.server.variables, 'AWS_MAX_ATTEMPTS': '1', 'AWS_PAGER': '', 'HOME': self.dir,
                                    'AWS_EC2_METADATA_DISABLED': 'true', **(more or {})})

    def program(self, *args, status=0):
        done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(),
                              cwd=self.dir, timeout=harness.LONG, check=False)
        self.assertEqual(done.returncode, status, '%s\n%s' % (args, done.stderr.decode()))
        return done.stdout.decode() if status == 0 else done.stderr.decode()

    def aws(self, *args, status=0):
        return self.program('/usr/bin/aws', '--endpoint-url', self.server.url, '--output', 'text', *args, status=status).strip()

    @unittest.skipUnless(os.access('/usr/bin/aws', os.X_OK), 'awscli is not installed')
    def test_the_aws_cli(self):
        """What the manual's example (test_serve_manual.py) does not show."""
        key = self.server.ask('CreateKey').json['KeyMetadata']['KeyId']
        blob = self.server.ask('Encrypt', {'KeyId': key, 'Plaintext': 'AAAA', 'EncryptionContext': {'tenant': '7'}}).json['CiphertextBlob']
        said = self.aws('kms', 'decrypt', '--ciphertext-blob', blob, '--encryption-context', 'tenant=8', status=254)
        self.assertIn('(InvalidCiphertextException) when calling the Decrypt operation', said)
        self.assertEqual(self.aws('kms', 'list-keys', '--query', "Keys[?KeyId=='%s'].KeyArn" % key),
                         'arn:aws:kms:%s:%s:key/%s' % (REGION, ACCOUNT, key))

    @unittest.skipUnless(os.access('/usr/bin/ruby', os.X_OK), 'ruby is not installed')
    def test_ruby(self):
        if subprocess.run(['/usr/bin/ruby', '-e', 'require "aws-sdk-kms"'], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest('ruby-aws-sdk-kms is not installed')
        said = self.program('/usr/bin/ruby', os.path.join(os.path.dirname(os.path.abspath(__file__)), 'client.rb'), self.server.url)
        self.assertRegex(said.split('\n')[0], '^arn:aws:kms:.* is disabled.$')
        self.assertIn('alias/ruby', said.split('\n'))


if __name__ == '__main__':
    harness.main()
