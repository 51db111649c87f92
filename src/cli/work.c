/*
 * work.c - what the commands share: opening the project, choosing models, a job for one of them.
 */
#include "cli/work.h"

#include "lib/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say_waiting(void *self, const char *what, int64_t wait_ms)
{
	char time[BULLA_COUNT_MAX];
	bulla_cli_say(self, "%sbulla: waiting for %s; at most %s", isatty(STDERR_FILENO) ? "\r\033[K" : "", what,
		      bulla_seconds_text((double)wait_ms / 1000, time));
}

bulla_code bulla_cli_patience(bulla_cli *cli, bulla_patience *ret, bulla_error *err)
{
	*ret = (bulla_patience){ .waiting = say_waiting, .self = cli, .stop = &cli->stop };
	if (!bulla_cli_value(cli, "lock-wait")) return BULLA_OK;
	TRY(bulla_cli_duration(cli, "lock-wait", 0, &ret->wait_ms, err));
	if (ret->wait_ms == 0) ret->wait_ms = 1; /* not at all: 0 is the preset */
	return BULLA_OK;
}

bulla_code bulla_cli_open(bulla_cli *cli, bulla_project_depth depth, bulla_project **ret, bulla_error *err)
{
	bulla_patience patience;
	TRY(bulla_cli_patience(cli, &patience, err));
	patience.stop = NULL; /* a job that shall stop still has to come to its checkpoint */
	return bulla_project_open_patiently(bulla_cli_value(cli, "config"), bulla_cli_value(cli, "env"), depth, &patience, ret,
					    err);
}

bulla_code bulla_cli_model(const bulla_cli *cli, const bulla_project *project, const bulla_model **ret, bulla_error *err)
{
	return bulla_schema_model(project->schema, bulla_cli_argument(cli, 0), ret, err);
}

bulla_code bulla_cli_models(bulla_cli *cli, const bulla_project *project, const bulla_model **ret, size_t *ret_n,
			    bulla_error *err)
{
	if (bulla_cli_argument(cli, 0)) {
		TRY(bulla_cli_model(cli, project, ret, err));
		*ret_n = 1;
		(void)snprintf(cli->subject, sizeof cli->subject, " %s", (*ret)->key);
		return BULLA_OK;
	}
	*ret = bulla_schema_models(project->schema, ret_n);
	if (*ret_n) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s names no models", project->paths.config);
	return bulla_advise(err, code, "add one under models:, or: bulla init --database URL --table T --fields a,b");
}

static bulla_code record(void *self, const char *operation, const char *detail, bulla_error *err)
{
	bulla_project *project = self;
	bulla_event event = {
		.operation = operation,
		.outcome = "ok",
		.detail = bulla_view_str(detail),
	};
	return bulla_engine_record(project->engine, &event, err);
}

static bool was_used(void *self, uint64_t version)
{
	return bulla_history_has(self, version);
}

bulla_code bulla_cli_job(bulla_cli *cli, bulla_project *project, const bulla_model *model, bulla_bar *bar, bulla_job *ret,
			 bulla_error *err)
{
	*ret = (bulla_job){
		.keyring = project->keyring,
		.schema = project->schema,
		.branches = project->store ? &project->branches : NULL,
		.model = model,
		.base_dir = project->paths.base_dir,
		.reports = project->paths.reports,
		.sign_seed = project->sign_seed ? project->sign_seed->bytes : NULL,
		.sign_name = project->log_origin,
		.principal = project->principal,
		.record = project->engine ? record : NULL,
		.record_self = project,
		.progress = bar ? bulla_bar_show : NULL,
		.progress_self = bar,
		.stop = &cli->stop,
	};
	TRY(bulla_cli_patience(cli, &ret->patience, err));
	if (project->log && !project->history) TRY(bulla_history_new(project, &project->history, err));
	ret->was_used = project->history ? was_used : NULL;
	ret->was_used_self = project->history;
	return bulla_project_database(project, model->database, &ret->url, err);
}

bulla_code bulla_cli_key_id(const char *text, bulla_buf *out, bulla_error *err)
{
	bool is_local = strncmp(text, "local/", 6) == 0;
	const char *name = is_local ? text + 6 : text;
	if (strcmp(text, "local") == 0) return bulla_buf_add_str(out, "alias/default", err);
	/* local/ may also stand before a uuid (36 characters, a dash at the ninth) and before an ARN */
	bool is_id = strncmp(name, "arn:", 4) == 0 || (strlen(name) == 36 && name[8] == '-');
	return bulla_buf_printf(out, err, "%s%s", is_local && !is_id ? "alias/" : "", name);
}

static bulla_code read_all(int fd, const char *name, size_t max, bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	for (;;) {
		size_t left = max - (out->len - start);
		size_t room = left < 65536 ? left + 1 : 65536; /* one byte more than allowed tells what is too long */
		TRY(bulla_buf_reserve(out, room, err));
		ssize_t n = read(fd, out->data + out->len, room);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot read %s", name);
		if (n == 0) return BULLA_OK;
		out->len += (size_t)n;
		if (out->len - start > max) return bulla_fail(err, BULLA_ERR_TOO_LARGE, "%s is longer than %zu bytes", name, max);
	}
}

bulla_code bulla_cli_stdin(const bulla_cli *cli, size_t max, bulla_buf *out, bulla_error *err)
{
	if (isatty(STDIN_FILENO)) bulla_cli_say(cli, "bulla: reading from the terminal; Ctrl-D ends it");
	return read_all(STDIN_FILENO, "stdin", max, out, err);
}

bulla_code bulla_cli_read_file(const bulla_cli *cli, const char *path, size_t max, bulla_buf *out, bulla_error *err)
{
	if (strcmp(path, "-") == 0) return bulla_cli_stdin(cli, max, out, err);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot open %s", path);
	bulla_code code = read_all(fd, path, max, out, err);
	(void)close(fd);
	return code;
}

static bulla_code write_all(int fd, const char *path, bulla_bytes data, bulla_error *err)
{
	while (data.len) {
		ssize_t n = write(fd, data.data, data.len);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot write %s", path);
		data = bulla_view(data.data + n, data.len - (size_t)n);
	}
	return fsync(fd) ? bulla_fail_errno(err, errno, "cannot write %s", path) : BULLA_OK;
}

bulla_code bulla_cli_write_file(const char *path, bulla_bytes data, bulla_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot make %s", path);
	bulla_code code = write_all(fd, path, data, err);
	if (close(fd) && code == BULLA_OK) code = bulla_fail_errno(err, errno, "cannot write %s", path);
	if (code) (void)unlink(path); /* half a file would be in the way of the next try */
	return code;
}
