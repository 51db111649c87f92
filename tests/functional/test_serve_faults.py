"""The key server when things go wrong: bytes that are no requests, clients that do not go on, SIGKILL under load, a store that is locked, read-only or full.

CRASH_N kills under load divided by ten, three at least; CRASH_SEED to see a run again.
"""
import contextlib
import datetime
import os
import random
import resource
import socket
import threading
import time

import harness
import server
from harness import wait_until

KILLS = max(3, int(os.environ.get('CRASH_N', '30')) // 10)
SEED = int(os.environ.get('CRASH_SEED', '0')) or random.SystemRandom().randint(1, 10 ** 9)
BODY_MAX = 1 << 20
NOBODY = 65534
UNABLE = {'DependencyTimeoutException': 503, 'KMSInternalException': 500}


class Talk(server.Served):
    """Whatever is sent, the next one is answered."""

    def raw(self, content, half=False):
        """What comes back on a connection of its own, until it is closed or nothing comes any more."""
        with socket.create_connection(self.server.address(), timeout=10) as there:
            there.sendall(content)
            if half:
                there.shutdown(socket.SHUT_WR)
            there.settimeout(1)
            came = b''
            with contextlib.suppress(OSError):
                while part := there.recv(65536):
                    came += part
                    if b'\r\n\r\n' in came and not half:
                        break
            return came

    def serves(self):
        self.assertEqual(self.server.ask('GenerateRandom', {'NumberOfBytes': 16}).status, 200)
        self.assertIsNone(self.server.process.poll(), self.server.words())

    def refused_4xx(self, content, **how):
        came = self.raw(content, **how)
        self.assertRegex(came, b'^HTTP/1.1 (4|501)', repr(content[:200]))

    def test_no_requests(self):
        head = b'POST / HTTP/1.1\r\nHost: x\r\n'
        for content in (b'\0\0\0\0\r\n\r\n', b'GET\r\n\r\n', b'POST / HTTP/9.9\r\nHost: x\r\n\r\n', b'POST / HTTP/1.1\r\n\r\n',
                        head + b'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
                        head + b'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', head + b'Content-Length : 3\r\n\r\nabc',
                        head + b'Content-Length: -1\r\n\r\n', head + b'Content-Length: 99999999999999999999999\r\n\r\n',
                        head + b'Transfer-Encoding: gzip\r\n\r\n', head + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
                        head + b' folded: x\r\n\r\n', head + b'A: ' + b'x' * 20000 + b'\r\n\r\n', head + b'A: \0\r\n\r\n',
                        head + b'A: x\r\n' * 300 + b'\r\n', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + bytes(50)):
            came = self.raw(content)
            self.assertFalse(came.startswith(b'HTTP/1.1 2') or came.startswith(b'HTTP/1.1 5') and not came.startswith(b'HTTP/1.1 50'),
                             '%r: %r' % (content[:100], came[:100]))
        for method, target in ((b'GET', b'/'), (b'PUT', b'/'), (b'POST', b'/other'), (b'DELETE', b'/'), (b'POST', b'/?a=b')):
            self.refused_4xx(method + b' ' + target + b' HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}')
        self.serves()

    def test_too_large(self):
        self.assertEqual(self.server.ask('ListKeys', body=b' ' * (BODY_MAX - 2) + b'{}').status, 200)
        head = b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % (BODY_MAX + 1)
        self.assertTrue(self.raw(head).startswith(b'HTTP/1.1 413 '))
        chunk = b'10000\r\n' + b'x' * 0x10000 + b'\r\n'
        with contextlib.suppress(ConnectionError):
            came = self.raw(b'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n' + chunk * 17 + b'0\r\n\r\n')
            self.assertTrue(came.startswith(b'HTTP/1.1 413 '), came[:100])
        self.serves()

    def test_bodies_that_are_none(self):
        """Signed as they should be, so that they come to the parser: the JSON of the fuzz corpus, and what else comes to mind."""
        folder = os.path.join(harness.ROOT, 'fuzz', 'corpus', 'json')
        bodies = [b'', b'{', b'[]', b'null', b'"x"', b'{}{}', b'{"KeyId":{}}', b'{"KeyId":[]}', b'{"KeyId":1}', b'{"KeyId":"x","KeyId":"y"}',
                  b'{"KeyId":"x","Plaintext":"%%"}', b'{"KeyId":"\\ud800","Plaintext":"AAAA"}', b'\xff\xfe{}', b'[' * 100000,
                  b'{"a":' * 10000, b'{"KeyId":"' + b'x' * 3000 + b'","Plaintext":"AAAA"}',
                  b'{"KeyId":"x","Plaintext":"AAAA","EncryptionContext":{"a":{"b":"c"}}}',
                  b'{"KeyId":"x","Plaintext":"AAAA","EncryptionContext":{' + b','.join(b'"k%d":"v"' % i for i in range(2000)) + b'}}',
                  b'{"KeyId":"x","Plaintext":"AAAA","EncryptionContext":{"a":"' + b'v' * 9000 + b'"}}']
        for name in sorted(os.listdir(folder))[:150]:
            with open(os.path.join(folder, name), 'rb') as file:
                bodies.append(file.read())
        connection = self.server.connect()
        self.addCleanup(connection.close)
        for operation in ('Encrypt', 'CreateAlias'):
            for body in bodies:
                answer = self.server.ask(operation, body=body, connection=connection)
                self.assertEqual(answer.status, 400, '%s %r: %s' % (operation, body[:80], answer))
                self.assertIn(answer.type, ('ValidationException', 'SerializationException', 'NotFoundException'), repr(body[:80]))
        self.serves()

    def test_clients_that_do_not_go_on(self):
        """Idle ones, half requests, a byte now and then, an end that was closed: others are answered meanwhile."""
        waiting = []
        self.addCleanup(lambda: [each.close() for each in waiting])
        for i in range(300):
            each = socket.create_connection(self.server.address(), timeout=10)
            waiting.append(each)
            each.sendall([b'', b'POST / HT', b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"Key'][i % 3])
        took = []
        for i in range(20):
            for each in waiting[1::30]:
                with contextlib.suppress(OSError):
                    each.sendall(b'x')
            start = time.monotonic()
            self.serves()
            took.append(time.monotonic() - start)
        self.assertLess(sorted(took)[len(took) // 2], 2)
        half = b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"KeyId"'
        self.assertFalse(self.raw(half, half=True).startswith(b'HTTP/1.1 2'))
        body = b'{"NumberOfBytes":16}'
        headers = server.sign(self.server.headers('TrentService.GenerateRandom'), body, self.server.access, datetime.datetime.now(datetime.timezone.utc))
        whole = b'POST / HTTP/1.1\r\n' + b''.join(b'%s: %s\r\n' % (name.encode(), value.encode()) for name, value in headers.items())
        came = self.raw(whole + b'Content-Length: %d\r\n\r\n' % len(body) + body, half=True)
        self.assertTrue(came.startswith(b'HTTP/1.1 200 '), came[:200])  # it was complete; the client still reads
        self.serves()


class Load:
    """Threads that use and change keys until the server is gone, and remember what was acknowledged."""

    def __init__(self, there, threads=4):
        self.server, self.lock, self.going = there, threading.Lock(), True
        self.keys, self.requests, self.blobs, self.failed = [], [], [], []
        made = there.ask('CreateKey')
        self.first = made.json['KeyMetadata']['KeyId']
        self.keys.append(self.first)
        self.requests.append(made.headers['x-amzn-requestid'])
        self.threads = [threading.Thread(target=self.work, args=(i,), daemon=True) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        connection = self.server.connect()
        i = 0
        with contextlib.closing(connection):
            while self.going:
                i += 1
                create = i % 5 == number % 5
                try:
                    answer = (self.server.ask('CreateKey', {'Description': 'of thread %d' % number}, connection=connection) if create else
                              self.server.ask('GenerateDataKey', {'KeyId': self.first, 'KeySpec': 'AES_256', 'EncryptionContext': {
                                  'n': '%d-%d' % (number, i)}}, connection=connection))
                except (OSError, server.http.client.HTTPException):
                    return
                with self.lock:
                    self.requests.append(answer.headers['x-amzn-requestid'])
                    if answer.status != 200:
                        self.failed.append(answer)
                    elif create:
                        self.keys.append(answer.json['KeyMetadata']['KeyId'])
                    else:
                        self.blobs.append((answer.json, {'n': '%d-%d' % (number, i)}))

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join(harness.LONG)


class Kept(harness.Case):
    """A server of its own for each test."""

    def serve(self, **more):
        self.write('bulla.yaml', server.CONFIG)
        there = server.Server(self.dir, environment=self.environment(), **more)
        self.addCleanup(there.close)
        return there

    def recorded(self):
        return {entry.get('requestID'): entry for entry in self.bulla('audit', 'lookup', '--json').lines()}


class Killed(Kept):
    def test_nothing_acknowledged_is_lost(self):
        chance = random.Random(SEED)
        keys, requests, blobs = set(), set(), []
        for round_ in range(KILLS):
            there = self.serve()
            load = Load(there)
            time.sleep(chance.uniform(0.05, 0.5))
            there.kill()
            load.stop()
            self.assertEqual([str(answer) for answer in load.failed], [])
            keys.update(load.keys)
            requests.update(load.requests)
            blobs += load.blobs[-3:]
        self.bulla('audit', 'verify')
        there = self.serve()
        listed, marker = set(), {}
        while True:
            page = there.ask('ListKeys', {'Limit': 1000, **marker}).json
            listed.update(key['KeyId'] for key in page['Keys'])
            if not page['Truncated']:
                break
            marker = {'Marker': page['NextMarker']}
        seen = 'seed %d, %d kills, %d requests acknowledged' % (SEED, KILLS, len(requests))
        self.assertEqual(keys - listed, set(), seen)
        for made, context in blobs:
            self.assertEqual(there.ask('Decrypt', {'CiphertextBlob': made['CiphertextBlob'], 'EncryptionContext': context}).json['Plaintext'],
                             made['Plaintext'])
        entries = self.recorded()
        self.assertEqual({request for request in requests if request not in entries}, set(), seen)
        self.assertGreater(len(requests), 10 * KILLS, seen)
        self.assertEqual(there.stop(), 0)
        self.bulla('audit', 'verify')
        print('a server under load: %s; nothing was lost' % seen)

    def test_an_end_in_order_answers_what_is_under_way(self):
        there = self.serve()
        load = Load(there)
        wait_until(lambda: len(load.requests) > 50)
        self.assertEqual(there.stop(), 0)
        load.stop()
        self.assertEqual([str(answer) for answer in load.failed], [])
        entries = self.recorded()
        self.assertEqual([r for r in load.requests if r not in entries], [])
        ok = [e for e in entries.values() if e['eventName'] in ('GenerateDataKey', 'CreateKey') and e.get('userIdentity')]
        self.assertLessEqual(len(ok) - len(load.requests), 0, 'recorded, and never answered')


class Store(Kept):
    """The place of the keys fails: nothing is released, it is said clearly, and all goes on once the trouble is over."""

    def use(self, there):
        return there.ask('GenerateDataKey', {'KeyId': 'alias/default', 'KeySpec': 'AES_256'})

    def fails(self, answer):
        self.assertEqual(UNABLE.get(answer.type), answer.status, str(answer))
        self.assertNotIn('Plaintext', answer.json)
        self.assertNotIn('CiphertextBlob', answer.json)

    def goes_on(self, there):
        """By itself, soon, and for changes too; what was released is on record."""
        answer = wait_until(lambda: (a := self.use(there)).status == 200 and a, 20, 0.1)
        self.assertTrue(answer, str(self.use(there)))
        self.assertEqual(there.ask('CreateKey').status, 200)
        self.assertEqual(self.recorded()[answer.headers['x-amzn-requestid']]['eventName'], 'GenerateDataKey')
        self.bulla('audit', 'verify')

    def test_locked(self):
        there = self.serve()
        self.assertEqual(self.use(there).status, 200)
        with contextlib.closing(self.open(self.path('.bulla', 'dev', 'kms.db'))) as other:
            other.execute('BEGIN EXCLUSIVE')
            answers = []
            asking = threading.Thread(target=lambda: answers.append(there.ask('CreateKey')))
            asking.start()
            self.fails(self.use(there))
            self.assertEqual(there.ask_text('/healthz').status, 200)
            asking.join(harness.LONG)
            self.fails(answers[0])
            other.execute('ROLLBACK')
        self.goes_on(there)

    def test_full(self):
        there = self.serve()
        self.assertEqual(self.use(there).status, 200)
        everything, hard = resource.prlimit(there.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(there.process.pid, resource.RLIMIT_FSIZE, (100, hard))
        for _ in range(3):
            self.fails(self.use(there))
        self.fails(there.ask('CreateKey'))
        self.assertIsNone(there.process.poll())
        resource.prlimit(there.process.pid, resource.RLIMIT_FSIZE, (everything, hard))
        self.goes_on(there)

    def test_read_only(self):
        """A server that may not write where its store is does not start: what it released could not be recorded."""
        there = self.serve()
        there.stop()
        root = os.geteuid() == 0
        for folder, folders, files in os.walk(self.dir):
            for name in [''] + files:
                path = os.path.join(folder, name)
                if root:
                    os.chown(path, NOBODY, NOBODY)
                os.chmod(path, 0o500 if not name else 0o400)
        self.addCleanup(lambda: [os.chmod(f, 0o700) for f, _, _ in os.walk(self.dir)])
        with self.assertRaises(AssertionError) as caught:
            self.serve_read_only(root)
        self.assertRegex(str(caught.exception), r'bulla: (read_only|permission|io): ')
        self.assertIn('Next: ', str(caught.exception))

    def serve_read_only(self, root):
        there = server.Server(self.dir, environment=self.environment(), preexec=(lambda: (os.setgid(NOBODY), os.setuid(NOBODY))) if root else None)
        self.addCleanup(there.close)


if __name__ == '__main__':
    harness.main()
