/*
 * findings.c - the list of what was found about a table, and its way into errors and plans.
 */
#include "db/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void bulla_findings_done(bulla_findings *findings)
{
	free(findings->list);
	*findings = (bulla_findings){ 0 };
}

static bulla_code add(bulla_findings *findings, bulla_finding **ret, bulla_error *err)
{
	static const size_t step = 8;
	if (findings->n % step == 0) {
		bulla_finding *grown = realloc(findings->list, (findings->n + step) * sizeof *grown);
		if (!grown) return bulla_fail_memory(err);
		findings->list = grown;
	}
	*ret = &findings->list[findings->n];
	**ret = (bulla_finding){ 0 };
	return BULLA_OK;
}

static void describe(bulla_finding *finding, const char *next, const char *format, va_list args)
{
	vsnprintf(finding->text, sizeof finding->text, format, args);
	snprintf(finding->next, sizeof finding->next, "%s", next ? next : "");
}

bulla_code bulla_refuse(bulla_findings *findings, bulla_error *err, bulla_code code, const char *next, const char *format, ...)
{
	bulla_finding *finding;
	findings->refusals++;
	if (findings->n == BULLA_FINDINGS_MAX) return BULLA_OK;
	TRY(add(findings, &finding, err));
	finding->refusal = true;
	finding->code = code;
	va_list args;
	va_start(args, format);
	describe(finding, next, format, args);
	va_end(args);
	findings->n++;
	return BULLA_OK;
}

bulla_code bulla_warn(bulla_findings *findings, bulla_error *err, const char *next, const char *format, ...)
{
	bulla_finding *finding;
	if (findings->n == BULLA_FINDINGS_MAX) return BULLA_OK;
	TRY(add(findings, &finding, err));
	va_list args;
	va_start(args, format);
	describe(finding, next, format, args);
	va_end(args);
	findings->n++;
	return BULLA_OK;
}

bulla_code bulla_findings_first(const bulla_findings *findings, bulla_error *err)
{
	for (size_t i = 0; i < findings->n; i++) {
		const bulla_finding *finding = &findings->list[i];
		if (!finding->refusal) continue;
		(void)bulla_fail(err, finding->code, "%s", finding->text);
		return *finding->next ? bulla_advise(err, finding->code, "%s", finding->next) : finding->code;
	}
	return BULLA_OK;
}

static void tell(const bulla_findings *findings, bool refusals, const char *name, bulla_json_writer *out)
{
	bulla_json_open(out, name, '[');
	for (size_t i = 0; i < findings->n; i++) {
		const bulla_finding *finding = &findings->list[i];
		if (finding->refusal != refusals) continue;
		bulla_json_open(out, NULL, '{');
		if (refusals) bulla_json_put_str(out, "code", bulla_code_name(finding->code));
		bulla_json_put_str(out, "text", finding->text);
		bulla_json_put_str(out, "next", finding->next);
		bulla_json_close(out, '}');
	}
	bulla_json_close(out, ']');
}

void bulla_findings_tell(const bulla_findings *findings, bulla_json_writer *out)
{
	tell(findings, true, "refusals", out);
	tell(findings, false, "warnings", out);
}
