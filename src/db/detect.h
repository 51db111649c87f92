/*
 * detect.h - what personal data looks like: one row a kind, with the words that name its columns and the rules its values obey.
 *
 * Pure. A rule sees one value as text and says whether it could be one; nothing of the value is kept.
 */
#ifndef DB_DETECT_H
#define DB_DETECT_H

#include "base/bytes.h"

typedef enum bulla_confidence {
	BULLA_CONFIDENCE_NONE = 0,
	BULLA_CONFIDENCE_LOW = 1,    /* only the name says so, and there is no value to ask */
	BULLA_CONFIDENCE_MEDIUM = 2, /* name or values, and something may speak against it */
	BULLA_CONFIDENCE_HIGH = 3    /* name and values, or values that nothing else has */
} bulla_confidence;

const char *bulla_confidence_name(bulla_confidence confidence);

typedef bool (*bulla_rule)(bulla_bytes text);

/* One kind of personal data. */
typedef struct bulla_detector {
	const char *kind;  /* "email": in JSON, append-only */
	const char *label; /* "e-mail address" */
	/* Phrases of lower-case words joined by '_', with '|' between: any of them in a column's name. "=name": the whole name. */
	const char *words;
	const char *vetoes; /* any of them in the name: it is something else */
	bulla_rule named;   /* may a column of that name hold this? NULL: whatever it holds */
	bulla_rule alone;   /* is it one, whatever the column is called? NULL: the name alone counts */
	unsigned chance;    /* of so many values that have the form without being one, one passes `alone` all the same */
	bool inside;        /* `alone` is looked for in running text too */
	bool persons;       /* the name counts only in a table about people */
	bulla_confidence most;
} bulla_detector;

extern const bulla_detector bulla_detectors[];
extern const size_t bulla_detector_count;
#define BULLA_DETECTORS_MAX 80

/* --- names (detect_names.c) ---------------------------------------------------------------------------------------- */
#define BULLA_NAME_WORDS_MAX 256

/* "customerEMail2" -> "customer_e_mail_2". What is longer than that is cut. */
void bulla_name_words(const char *name, char out[static BULLA_NAME_WORDS_MAX]);
/* Is one of the phrases (as in bulla_detector) in these words? */
bool bulla_words_have(const char *words, const char *phrases);
/* Does the name of a table say that its rows are people? */
bool bulla_words_are_people(const char *words);

/* --- rules (detect_shapes.c, detect_people.c, detect_ids.c) --------------------------------------------------------------------------- */
/* The digits of a text that holds nothing but digits and these separators; 0 when it does, or has more than 32. */
size_t bulla_digits(bulla_bytes text, const char *separators, char out[static 33]);
bool bulla_luhn(const char *digits, size_t n);                   /* ISO/IEC 7812-1, Annex B */
bool bulla_digits_vary(const char *digits, size_t n);            /* not one digit again and again, which passes many a check */
bool bulla_is_date(unsigned year, unsigned month, unsigned day); /* of the Gregorian calendar, 1870 to now */

bool bulla_is_email(bulla_bytes text);
bool bulla_is_phone(bulla_bytes text);               /* any way of writing one */
bool bulla_is_international_phone(bulla_bytes text); /* with + and country code */
bool bulla_is_card(bulla_bytes text);                /* Luhn */
bool bulla_is_issued_card(bulla_bytes text);         /* and the prefix and length of a card network */
bool bulla_is_iban(bulla_bytes text);
bool bulla_is_ip(bulla_bytes text);
bool bulla_is_mac(bulla_bytes text);
bool bulla_is_imei(bulla_bytes text);
bool bulla_is_birth_date(bulla_bytes text);
bool bulla_is_age(bulla_bytes text); /* in years, or a year of birth */
bool bulla_is_person_name(bulla_bytes text);
bool bulla_is_address(bulla_bytes text);        /* some words */
bool bulla_is_street_address(bulla_bytes text); /* a street's word and a number */
bool bulla_is_postcode(bulla_bytes text);
bool bulla_is_place(bulla_bytes text); /* words without a digit */
bool bulla_is_coordinate(bulla_bytes text);
bool bulla_is_document_number(bulla_bytes text);

bool bulla_is_us_ssn(bulla_bytes text);
bool bulla_is_us_ssn_written(bulla_bytes text); /* with its dashes */
bool bulla_is_ca_sin(bulla_bytes text);
bool bulla_is_gb_nino(bulla_bytes text);
bool bulla_is_gb_nhs(bulla_bytes text);
bool bulla_is_de_tax_id(bulla_bytes text);
bool bulla_is_de_pension(bulla_bytes text);
bool bulla_is_fr_nir(bulla_bytes text);
bool bulla_is_es_dni(bulla_bytes text);
bool bulla_is_nl_bsn(bulla_bytes text);
bool bulla_is_it_fiscal_code(bulla_bytes text);
bool bulla_is_be_national(bulla_bytes text);
bool bulla_is_se_personal(bulla_bytes text);
bool bulla_is_fi_personal(bulla_bytes text);
bool bulla_is_dk_cpr(bulla_bytes text);
bool bulla_is_no_birth(bulla_bytes text);
bool bulla_is_pl_pesel(bulla_bytes text);
bool bulla_is_ch_ahv(bulla_bytes text);
bool bulla_is_at_insurance(bulla_bytes text);
bool bulla_is_pt_nif(bulla_bytes text);
bool bulla_is_ie_pps(bulla_bytes text);
bool bulla_is_tr_identity(bulla_bytes text);
bool bulla_is_br_cpf(bulla_bytes text);
bool bulla_is_au_tfn(bulla_bytes text);
bool bulla_is_in_aadhaar(bulla_bytes text);
bool bulla_is_cn_resident(bulla_bytes text);
bool bulla_is_za_identity(bulla_bytes text);

#endif
