"""The whole ladder on a database that somebody else made: Chinook, a music shop."""
import os
import shutil

import harness
from harness import exact_rows, found_in_files

CUSTOMER = ('FirstName', 'LastName', 'Address', 'Phone', 'Fax', 'Email')


class Chinook(harness.Case):
    def setUp(self):
        super().setUp()
        original = os.path.join(harness.shared(), 'data', 'Chinook_Sqlite.sqlite')
        if not os.path.isfile(original):
            self.skipTest('no Chinook_Sqlite.sqlite in %s' % os.path.dirname(original))
        shutil.copy(original, self.database)
        os.chmod(self.database, 0o600)
        self.customers = exact_rows(self.database, 'Customer', self.columns('Customer'), ['CustomerId'])
        self.employees = exact_rows(self.database, 'Employee', self.columns('Employee'), ['EmployeeId'])
        self.names = {table: self.columns(table) for table in ('Customer', 'Employee')}
        self.others = {table: exact_rows(self.database, table, self.columns(table), ['rowid'])
                       for table, in self.sql("SELECT name FROM sqlite_master WHERE type = 'table'") if table not in self.names}
        for row in self.customers:
            for column, (kind, value) in zip(self.names['Customer'], row):
                if column in CUSTOMER and kind == 'text' and len(value) > 11:
                    self.hide(value)

    def needles(self):
        """Addresses and mails occur in no other column of the shop but the invoices' billing address."""
        billed = {value for kind, value in sum(self.others['Invoice'], [])}
        staff = {value for kind, value in sum(self.employees, [])}
        return {value for value in self.secrets if value not in billed and value not in staff}

    def test_the_whole_ladder(self):
        self.bulla('init', '--database', 'sqlite:app.db', '--table', 'Customer', '--fields', ','.join(CUSTOMER), '--index',
                   'Email,LastName',
                   '--table', 'Employee', '--fields', 'BirthDate')
        plans = self.bulla('plan', '--json').json()['plans']
        self.assertEqual([(p['model'], p['rows'], p['refusals']) for p in plans],
                         [('Customer', len(self.customers), []), ('Employee', len(self.employees), [])])
        self.assertEqual([m['sealed'] for m in self.bulla('apply', '--json').json()['models']], [59, 8])
        self.assertEqual([m['equal'] for m in self.bulla('verify', '--json').json()['models']], [59, 8])
        self.compare()
        needles = self.needles()
        self.assertGreater(len(needles), 100)
        self.assertEqual(found_in_files(self.database, needles), needles)
        self.bulla('finish', '--settle', '0s')
        self.assertEqual(found_in_files(self.database, needles), set())
        self.compare()
        self.assertEqual([c for c in self.columns('Customer') if c in CUSTOMER], [])
        self.assertEqual(self.sql('PRAGMA foreign_key_check'), [])
        self.assertEqual(self.sql('PRAGMA integrity_check'), [('ok',)])
        for table, rows in self.others.items():
            self.assertEqual(exact_rows(self.database, table, self.columns(table), ['rowid']), rows, table)
        self.search()
        self.bulla('verify')
        self.assertTrue(self.bulla('audit', 'verify', '--json').json()['verified'])

    def compare(self):
        self.assert_exports('Customer', 'Customer', self.names['Customer'], self.customers)
        self.assert_exports('Employee', 'Employee', self.names['Employee'], self.employees)

    def search(self):
        email = self.names['Customer'].index('Email')
        for row in (self.customers[0], self.customers[30], self.customers[-1]):
            found = self.bulla('search', 'Customer', 'Email', row[email][1].decode(), '--json').lines()
            self.assertEqual([r['CustomerId'] for r in found], [row[0][1]])
        born = self.names['Employee'].index('BirthDate')
        self.assertEqual(self.bulla('get', 'Employee', '3', 'BirthDate', '--json').lines(),
                         [{'BirthDate': self.employees[2][born][1].decode()}])

    def test_joins_go_on(self):
        """Queries over other columns give the same before and after."""
        queries = ('SELECT CustomerId, sum(Total) FROM Customer JOIN Invoice USING (CustomerId) GROUP BY CustomerId ORDER BY 1',
                   'SELECT EmployeeId, count(*) FROM Employee JOIN Customer ON SupportRepId = EmployeeId GROUP BY 1 ORDER BY 1')
        before = [self.sql(query) for query in queries]
        self.model('  customer:\n    table: Customer\n    primary_key: CustomerId\n    fields:\n'
                   + ''.join('      %s: {}\n' % name for name in CUSTOMER))
        self.climb()
        self.assertEqual([self.sql(query) for query in queries], before)


if __name__ == '__main__':
    harness.main()
