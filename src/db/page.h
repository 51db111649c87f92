/*
 * page.h - a bounded number of rows in memory, laid out for a batch: what is read, sealed or opened, and written together.
 */
#ifndef DB_PAGE_H
#define DB_PAGE_H

#include "db/target.h"

#define BULLA_PAGE_ROWS       4096
#define BULLA_PAGE_ROWS_LEAST 16
#define BULLA_PAGE_BYTES      (4u << 20)  /* of values in one page; a row that is larger has a page of its own */
#define BULLA_PAGES_BYTES     (20u << 20) /* of values in all pages of one job */
#define BULLA_PAGE_FRAME      (2u << 20)  /* of row structures in one page */
#define BULLA_SEALED_MAX      (24u << 20) /* bytes of one ciphertext: 16 MiB in base64, with room; more is not read */

typedef struct bulla_page {
	const bulla_mapping *mapping;
	const bulla_shape *shape;
	size_t n, max;
	bulla_value *values; /* n * shape->width, as they were read; a value that is too large has its length and no data */
	bulla_row *rows;     /* of all fields of the model: values where plaintext is read, ciphertexts where those are */
	bulla_cell *cells;
	bulla_bytes *inputs, *keys;
	uint8_t *bytes;
	size_t used, cap;
	uint64_t mark; /* target->mark() before the page was read */
} bulla_page;

/* `rows` and `bytes` limit the page; rows 0: BULLA_PAGE_ROWS, or fewer where the shape is wide. */
BULLA_MUST bulla_code bulla_page_init(bulla_page *page, const bulla_mapping *mapping, const bulla_shape *shape, size_t rows,
				      size_t bytes, bulla_error *err);
void bulla_page_done(bulla_page *page);  /* wipes */
void bulla_page_clear(bulla_page *page); /* wipes; keeps the memory */

/* Copies one row that a walk gave. `ret_added` is false when the page is full: the row belongs to the next. */
BULLA_MUST bulla_code bulla_page_add(bulla_page *page, const bulla_value *values, bool *ret_added, bulla_error *err);

static inline const bulla_value *bulla_page_values(const bulla_page *page, size_t row)
{
	return page->values + row * page->shape->width;
}

/* Copies the locator of a row: locator_count values, views into the page. */
void bulla_page_locator(const bulla_page *page, size_t row, bulla_value *ret);

/* The first field whose plaintext is too large to be sealed; NULL when there is none. */
const bulla_field *bulla_page_oversize(const bulla_mapping *mapping, const bulla_shape *shape, const bulla_value *values);

/* Has some plaintext column of the row a value? As long as there is plaintext it is the truth. */
bool bulla_page_has_plaintext(const bulla_page *page, size_t row);

/* The same storage class and the same bytes; a BOOLEAN equals the INTEGER that SQLite keeps it as. */
bool bulla_value_same(const bulla_value *a, const bulla_value *b);

#endif
