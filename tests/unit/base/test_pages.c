/*
 * test_pages.c - secret pages: zeroed, guarded on both sides, left out of core files and children; and the pages that tell a child.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/pages.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* How a child that does `touch` ends: 128 + its signal, or its exit status. */
static int in_child(void (*touch)(volatile uint8_t *), uint8_t *at)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		touch(at);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A child maps its own pages, as it does not have its parent's, then steps over their edges. */
static uint8_t *map_here(size_t *ret_size)
{
	bulla_pages pages;
	if (bulla_pages_map(3 * page_size(), &pages, NULL)) _exit(9);
	memset(pages.data, 0x11, pages.size);
	*ret_size = pages.size;
	return pages.data;
}

static void read_below(volatile uint8_t *unused)
{
	size_t size;
	(void)unused;
	_exit(((const volatile uint8_t *)map_here(&size))[-1] ? 1 : 2);
}

static void write_below(volatile uint8_t *unused)
{
	size_t size;
	(void)unused;
	((volatile uint8_t *)map_here(&size))[-1] = 1;
}

static void read_above(volatile uint8_t *unused)
{
	size_t size;
	(void)unused;
	uint8_t *data = map_here(&size);
	_exit(((const volatile uint8_t *)data)[size] ? 1 : 2);
}

static void write_above(volatile uint8_t *unused)
{
	size_t size;
	(void)unused;
	uint8_t *data = map_here(&size);
	((volatile uint8_t *)data)[size] = 1;
}

static void stay_inside(volatile uint8_t *unused)
{
	size_t size;
	(void)unused;
	uint8_t *data = map_here(&size);
	if (data[0] != 0x11 || data[size - 1] != 0x11) _exit(1);
}

static void guards_stop_an_overrun(void **state)
{
	(void)state;
	assert_int_equal(in_child(stay_inside, NULL), 0);
	assert_int_equal(in_child(read_below, NULL), 128 + SIGSEGV);
	assert_int_equal(in_child(write_below, NULL), 128 + SIGSEGV);
	assert_int_equal(in_child(read_above, NULL), 128 + SIGSEGV);
	assert_int_equal(in_child(write_above, NULL), 128 + SIGSEGV);
}

/* The flags that the kernel shows for the mapping at `address` ("dd" = left out of core files, "dc" = not copied on fork, "lo" = locked). */
static void flags_at(const void *address, char *out, size_t size)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	bool inside = false;
	out[0] = 0;
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) inside = (uintptr_t)address >= from && (uintptr_t)address < to;
		if (inside && strncmp(line, "VmFlags:", 8) == 0) snprintf(out, size, "%s", line + 8);
	}
	fclose(f);
}

static void sizes_and_flags(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 3 * page_size(); n += page_size() - 1) {
		bulla_pages pages;
		char flags[512];
		assert_int_equal(bulla_pages_map(n, &pages, NULL), BULLA_OK);
		assert_true(pages.size >= n && pages.size < n + page_size() && pages.size % page_size() == 0);
		for (size_t i = 0; i < pages.size; i++)
			assert_int_equal(pages.data[i], 0);
		flags_at(pages.data, flags, sizeof flags);
		assert_true(pages.undumpable);
		assert_non_null(strstr(flags, " dd"));
		assert_false(pages.inherited);
		assert_non_null(strstr(flags, " dc"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they replace mlock() by nothing */
		assert_int_equal(pages.kind != BULLA_MEMORY_PLAIN, strstr(flags, " lo") != NULL);
#endif
		bulla_pages_unmap(&pages);
		assert_null(pages.data);
		bulla_pages_unmap(&pages);
	}
	bulla_pages none;
	assert_int_equal(bulla_pages_map(SIZE_MAX, &none, NULL), BULLA_ERR_MEMORY);
	assert_int_equal(bulla_pages_map(SIZE_MAX / 4, &none, NULL), BULLA_ERR_MEMORY);
}

static void touch(volatile uint8_t *at)
{
	_exit(at[0] == 0x77 ? 1 : 2);
}

/* After it has been abandoned nothing else comes to lie there. */
static void abandon_and_touch(volatile uint8_t *at)
{
	bulla_pages pages = { .data = (uint8_t *)(uintptr_t)at, .size = page_size() };
	bulla_pages_abandon(&pages);
	for (int i = 0; i < 50; i++)
		if (mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    (const void *)(uintptr_t)at)
			_exit(3);
	touch(at);
}

static void a_child_does_not_have_them(void **state)
{
	bulla_pages pages;
	(void)state;
	assert_int_equal(bulla_pages_map(1, &pages, NULL), BULLA_OK);
	memset(pages.data, 0x77, pages.size);
	assert_int_equal(in_child(touch, pages.data), 128 + SIGSEGV);
	assert_int_equal(in_child(abandon_and_touch, pages.data), 128 + SIGSEGV);
	assert_int_equal(pages.data[0], 0x77);
	bulla_pages_unmap(&pages);
}

typedef struct marked {
	bulla_fork_mark mark;
	int value;
} marked;

/* Bits: 1 the value is there, 2 it is still the parent's, 4 it can be taken over. */
static int look_in_child(marked *m)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int seen = (m->value ? 1 : 0) | (bulla_fork_mark_is_ours(&m->mark) ? 2 : 0);
		bulla_fork_mark_take(&m->mark);
		_exit(seen | (bulla_fork_mark_is_ours(&m->mark) ? 4 : 0));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void a_mark_tells_a_child(void **state)
{
	marked *m = NULL;
	(void)state;
	assert_int_equal(bulla_fork_page_new(sizeof *m, &m, NULL), BULLA_OK);
	assert_true(bulla_fork_mark_is_ours(&m->mark));
	assert_int_equal(m->value, 0);
	m->value = 5;
	if (!m->mark.compares) assert_int_equal(look_in_child(m), 4);
	/* a kernel that refuses the advice: the page is inherited, and the process id tells */
	assert_int_equal(madvise(m, sizeof *m, MADV_KEEPONFORK), 0);
	assert_int_equal(look_in_child(m) & 1, 1);
	m->mark.compares = true;
	assert_int_equal(look_in_child(m), 1 | 4);
	assert_true(bulla_fork_mark_is_ours(&m->mark));
	bulla_fork_page_free(m, sizeof *m);
	bulla_fork_page_free(NULL, sizeof *m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guards_stop_an_overrun),
		cmocka_unit_test(sizes_and_flags),
		cmocka_unit_test(a_child_does_not_have_them),
		cmocka_unit_test(a_mark_tells_a_child),
	};
	return cmocka_run_group_tests_name("base/pages", tests, NULL, NULL);
}
