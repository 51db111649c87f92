/*
 * detect_names.c - what the name of a column or table says, in the languages of those who name them.
 */
#include "db/detect.h"

#include <ctype.h>
#include <string.h>

typedef enum class { LOWER, UPPER, DIGIT, OTHER } class;

static class class_of(unsigned char c)
{
	if (c >= '0' && c <= '9') return DIGIT;
	if (c >= 'A' && c <= 'Z') return UPPER;
	return (c >= 'a' && c <= 'z') || c >= 0x80 ? LOWER : OTHER;
}

/* A word begins where letters follow digits or digits letters, at a capital after a small letter, and at the last capital of
 * several before a small one ("IPAddress"). */
static bool begins_word(const char *name, size_t i)
{
	class before = class_of((unsigned char)name[i - 1]), here = class_of((unsigned char)name[i]);
	if (before == OTHER) return false;
	if ((before == DIGIT) != (here == DIGIT)) return true;
	if (here != UPPER) return false;
	return before == LOWER || (name[i + 1] && class_of((unsigned char)name[i + 1]) == LOWER);
}

void bulla_name_words(const char *name, char out[static BULLA_NAME_WORDS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; name[i] && n < BULLA_NAME_WORDS_MAX - 2; i++) {
		bool other = class_of((unsigned char)name[i]) == OTHER;
		if (n && out[n - 1] != '_' && (other || (i && begins_word(name, i)))) out[n++] = '_';
		if (!other) out[n++] = (char)(name[i] & 0x80 ? name[i] : tolower((unsigned char)name[i]));
	}
	while (n && out[n - 1] == '_')
		n--;
	out[n] = 0;
}

/* As whole words, or run together as the whole name: "phonenumber". */
static bool have_phrase(const char *words, const char *phrase, size_t length)
{
	size_t i = 0, j = 0;
	for (const char *at = words; (at = memmem(at, strlen(at), phrase, length)); at++)
		if ((at == words || at[-1] == '_') && (at[length] == 0 || at[length] == '_')) return true;
	while (words[i] && j < length) {
		if (phrase[j] == '_') {
			j++;
		} else if (words[i] == '_') {
			i++;
		} else if (words[i++] != phrase[j++]) {
			return false;
		}
	}
	return !words[i] && j == length;
}

bool bulla_words_have(const char *words, const char *phrases)
{
	for (const char *phrase = phrases; phrase && *phrase;) {
		size_t length = strcspn(phrase, "|");
		bool whole = *phrase == '=';
		if (whole ? strncmp(words, phrase + 1, length - 1) == 0 && !words[length - 1]
			  : have_phrase(words, phrase, length))
			return true;
		phrase += length + (phrase[length] == '|');
	}
	return false;
}

bool bulla_words_are_people(const char *words)
{
	static const char people[] =
		"user|users|customer|customers|client|clients|person|persons|people|employee|employees|staff|member|members|"
		"patient|patients|student|students|teacher|teachers|contact|contacts|subscriber|subscribers|applicant|applicants|"
		"candidate|candidates|guest|guests|passenger|passengers|driver|drivers|owner|owners|author|authors|lead|leads|"
		"donor|donors|voter|voters|citizen|citizens|resident|residents|participant|participants|profile|profiles|"
		"recipient|recipients|beneficiary|beneficiaries|visitor|visitors|borrower|borrowers|kunde|kunden|mitarbeiter|"
		"benutzer|nutzer|personen|mitglied|mitglieder|utilisateur|utilisateurs|personne|personnes|salarie|salaries|"
		"adherent|adherents|usuario|usuarios|cliente|clientes|clienti|persona|personas|persone|paciente|pacientes|"
		"empleado|empleados|utente|utenti|dipendenti|gebruiker|gebruikers|klant|klanten|medewerkers|anvandare|kunder|"
		"klienci|uzytkownicy|osoby";
	return bulla_words_have(words, people);
}
