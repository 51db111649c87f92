"""A private PostgreSQL server on a Unix socket: an empty cluster in a directory of its own, which the user nobody runs where we are root."""
import glob
import os
import shutil
import subprocess
import tempfile

import harness

NOBODY = 65534


def programs():
    """Where Debian's package puts initdb, or None."""
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'))
    return os.path.dirname(found[-1]) if found else None


class Server:
    """Made and started; stop() it."""

    def __init__(self):
        self.bin = programs()
        self.dir = tempfile.mkdtemp(prefix='bulla-pg-', dir=harness.scratch())
        self.data = os.path.join(self.dir, 'data')
        self.databases = 0
        if os.geteuid() == 0:
            os.chown(self.dir, NOBODY, NOBODY)
        self.run('initdb', '-D', self.data, '-A', 'trust', '-U', 'bulla', '-E', 'UTF8', '--locale=C', '--no-sync')
        self.start()

    def run(self, program, *args):
        user = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []} if os.geteuid() == 0 else {}
        with open(os.path.join(self.dir, 'said'), 'ab') as said:
            subprocess.run([os.path.join(self.bin, program), *args], check=True, cwd=self.dir, stdin=subprocess.DEVNULL,
                           stdout=said, stderr=said, **user)

    def start(self):
        self.run('pg_ctl', '-D', self.data, '-w', '-s', '-l', os.path.join(self.dir, 'log'), '-o',
                 "-k %s -c listen_addresses='' -c log_statement=all -c fsync=off" % self.dir, 'start')

    def stop(self):
        """As a crash does."""
        self.run('pg_ctl', '-D', self.data, '-w', '-s', '-m', 'immediate', 'stop')

    def end(self):
        try:
            self.stop()
        except subprocess.CalledProcessError:
            pass  # it was stopped already
        shutil.rmtree(self.dir, True)

    def url(self, password='Kqpassword'):
        """Of a new, empty database; the server asks for no password, and gets one."""
        self.databases += 1
        self.psql('CREATE DATABASE d%d' % self.databases, 'postgres')
        return 'postgresql://bulla:%s@/d%d?host=%s' % (password, self.databases, self.dir)

    def psql(self, sql, database=None):
        done = subprocess.run([os.path.join(self.bin, 'psql'), '-XAtq', '-h', self.dir, '-U', 'bulla', '-d',
                               database or 'd%d' % self.databases, '-c', sql], check=True, stdout=subprocess.PIPE)
        return done.stdout.decode('utf-8').rstrip('\n')

    def log(self):
        """Every statement that the server was sent, with its values."""
        with open(os.path.join(self.dir, 'log'), 'rb') as file:
            return file.read()
