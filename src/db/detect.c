/*
 * detect.c - the table of kinds of personal data.
 *
 * `chance` is a judgement, on the careful side: what else do people keep that has this form? A check digit modulo ten lets one
 * of ten serial numbers pass; nothing but an e-mail address has an e-mail address's form.
 */
#include "db/detect.h"

#define HIGH   BULLA_CONFIDENCE_HIGH
#define MEDIUM BULLA_CONFIDENCE_MEDIUM
#define LOW    BULLA_CONFIDENCE_LOW
#define INSIDE true
#define PEOPLE true

/* clang-format off */
const bulla_detector bulla_detectors[] = {
	/* --- how to reach somebody --- */
	{ "email", "e-mail address",
	  "email|e_mail|mail|email_address|mailadresse|courriel|correo|correo_electronico|epost|e_post|emailadres", NULL,
	  bulla_is_email, bulla_is_email, 1000, INSIDE, false, HIGH },
	{ "phone", "telephone number",
	  "phone|telephone|tel|mobile|cell|cellphone|fax|msisdn|phone_number|telefon|telefonnummer|handy|rufnummer|telefono|movil|"
	  "cellulare|telefoon|telefoonnummer|mobil|mobiltelefon|portable|whatsapp",
	  "model|type|os|verified", bulla_is_phone, bulla_is_international_phone, 200, INSIDE, false, HIGH },

	/* --- money --- */
	{ "card", "payment card number",
	  "card|card_number|cardnumber|credit_card|creditcard|cc_number|ccnum|debit_card|pan|kartennummer|kreditkarte|carte_bancaire|"
	  "tarjeta|carta_di_credito|creditcardnummer",
	  "type|brand|last|expiry|sim|gift", bulla_is_card, bulla_is_issued_card, 40, INSIDE, false, HIGH },
	{ "iban", "bank account (IBAN)", "iban|bank_account|bankverbindung|kontonummer|konto|compte_bancaire|cuenta|rekeningnummer",
	  NULL, bulla_is_iban, bulla_is_iban, 1000, INSIDE, false, HIGH },
	{ "account", "bank account number", "account_number|bank_account_number|routing_number|sort_code|blz|clabe|bsb", NULL,
	  bulla_is_document_number, NULL, 0, false, false, MEDIUM },
	{ "income", "income", "salary|salaries|income|wage|wages|gehalt|lohn|einkommen|salaire|revenu|sueldo|salario|stipendio|salaris",
	  NULL, NULL, NULL, 0, false, false, MEDIUM },

	/* --- numbers that states give to people --- */
	{ "us_ssn", "US social security number", "ssn|social_security|social_security_number|social_security_no|tin", NULL,
	  bulla_is_us_ssn, bulla_is_us_ssn_written, 200, INSIDE, false, HIGH },
	{ "ca_sin", "Canadian social insurance number", "sin|social_insurance|social_insurance_number|nas", NULL,
	  bulla_is_ca_sin, bulla_is_ca_sin, 10, false, false, HIGH },
	{ "gb_nino", "UK national insurance number", "nino|ni_number|national_insurance|national_insurance_number", NULL,
	  bulla_is_gb_nino, bulla_is_gb_nino, 200, INSIDE, false, HIGH },
	{ "gb_nhs", "UK NHS number", "nhs|nhs_number|nhs_no", NULL, bulla_is_gb_nhs, bulla_is_gb_nhs, 11, false, false, HIGH },
	{ "ie_pps", "Irish PPS number", "pps|ppsn|pps_number", NULL, bulla_is_ie_pps, bulla_is_ie_pps, 23, false, false, HIGH },
	{ "de_tax_id", "German tax id", "steuer_id|steuerid|steuer_idnr|steueridentifikationsnummer|steuernummer|idnr|tax_id|tax_number|tin",
	  NULL, bulla_is_de_tax_id, bulla_is_de_tax_id, 50, false, false, HIGH },
	{ "de_pension", "German pension insurance number",
	  "rentenversicherungsnummer|sozialversicherungsnummer|sv_nummer|rvnr|svnr|rv_nummer", NULL, bulla_is_de_pension,
	  bulla_is_de_pension, 200, false, false, HIGH },
	{ "at_insurance", "Austrian social insurance number", "svnr|sv_nummer|sozialversicherungsnummer|versicherungsnummer", NULL,
	  bulla_is_at_insurance, bulla_is_at_insurance, 50, false, false, HIGH },
	{ "ch_ahv", "Swiss AHV number", "ahv|ahv_nummer|ahvn|avs|numero_avs|nss", NULL, bulla_is_ch_ahv, bulla_is_ch_ahv, 1000, false,
	  false, HIGH },
	{ "fr_nir", "French social security number (NIR)", "nir|insee|numero_securite_sociale|securite_sociale|num_secu|secu", NULL,
	  bulla_is_fr_nir, bulla_is_fr_nir, 200, false, false, HIGH },
	{ "be_national", "Belgian national register number", "rijksregisternummer|rijksregister|insz|niss|registre_national|rrn", NULL,
	  bulla_is_be_national, bulla_is_be_national, 200, false, false, HIGH },
	{ "nl_bsn", "Dutch citizen service number (BSN)", "bsn|burgerservicenummer|sofinummer|sofi", NULL, bulla_is_nl_bsn,
	  bulla_is_nl_bsn, 11, false, false, HIGH },
	{ "es_dni", "Spanish DNI or NIE", "dni|nie|nif|documento_identidad|documento_nacional", NULL, bulla_is_es_dni,
	  bulla_is_es_dni, 23, false, false, HIGH },
	{ "pt_nif", "Portuguese tax number", "nif|contribuinte|numero_contribuinte", NULL, bulla_is_pt_nif, bulla_is_pt_nif, 11, false,
	  false, HIGH },
	{ "it_fiscal_code", "Italian fiscal code", "codice_fiscale|codicefiscale|cod_fiscale|cf", NULL, bulla_is_it_fiscal_code,
	  bulla_is_it_fiscal_code, 1000, false, false, HIGH },
	{ "se_personal", "Swedish personal number", "personnummer|personnr|person_nr|pnr|samordningsnummer", NULL,
	  bulla_is_se_personal, bulla_is_se_personal, 50, false, false, HIGH },
	{ "fi_personal", "Finnish personal code", "hetu|henkilotunnus|personbeteckning", NULL, bulla_is_fi_personal,
	  bulla_is_fi_personal, 1000, false, false, HIGH },
	{ "dk_cpr", "Danish CPR number", "cpr|cpr_nr|cpr_nummer|cprnr|personnummer", NULL, bulla_is_dk_cpr, NULL, 0, false, false, HIGH },
	{ "no_birth", "Norwegian birth number", "fodselsnummer|fodselsnr|fnr|personnummer", NULL, bulla_is_no_birth,
	  bulla_is_no_birth, 200, false, false, HIGH },
	{ "pl_pesel", "Polish PESEL", "pesel|pesel_number", NULL, bulla_is_pl_pesel, bulla_is_pl_pesel, 40, false, false, HIGH },
	{ "tr_identity", "Turkish identity number", "tckn|tc_kimlik|tc_no|kimlik_no", NULL, bulla_is_tr_identity, bulla_is_tr_identity,
	  100, false, false, HIGH },
	{ "br_cpf", "Brazilian CPF", "cpf|cpf_number", NULL, bulla_is_br_cpf, bulla_is_br_cpf, 100, false, false, HIGH },
	{ "au_tfn", "Australian tax file number", "tfn|tax_file_number", NULL, bulla_is_au_tfn, bulla_is_au_tfn, 11, false, false, HIGH },
	{ "in_aadhaar", "Indian Aadhaar number", "aadhaar|aadhar|uidai|uid_number", NULL, bulla_is_in_aadhaar, bulla_is_in_aadhaar, 12,
	  false, false, HIGH },
	{ "cn_resident", "Chinese resident identity number", "id_card_no|id_card|shenfenzheng|identity_card|sfz", NULL,
	  bulla_is_cn_resident, bulla_is_cn_resident, 1000, false, false, HIGH },
	{ "za_identity", "South African identity number", "id_number|sa_id|identity_number", NULL, bulla_is_za_identity,
	  bulla_is_za_identity, 50, false, false, HIGH },
	{ "document", "number of a passport, licence or identity document",
	  "passport|passport_number|passport_no|driver_license|drivers_license|driving_licence|driving_license|licence_number|"
	  "national_id|national_identity|identity_card|id_card|personalausweis|ausweis|ausweisnummer|reisepass|fuhrerschein|passeport|"
	  "permis_de_conduire|pasaporte|documento|passaporto|paspoort|rijbewijs|ssn|social_security|tax_id|nin|civil_id",
	  "software|country|expiry|issued|state|type", bulla_is_document_number, NULL, 0, false, false, MEDIUM },

	/* --- who somebody is --- */
	{ "birth_date", "date of birth",
	  "birth|birthday|birthdate|birth_date|date_of_birth|dob|born|born_on|born_at|geburt|geburtstag|geburtsdatum|naissance|"
	  "date_naissance|date_de_naissance|nacimiento|fecha_nacimiento|fecha_de_nacimiento|nascita|data_di_nascita|"
	  "data_nascimento|geboortedatum|fodselsdato|fodelsedatum|syntymaaika|data_urodzenia",
	  "place|name|city|country", bulla_is_birth_date, NULL, 0, false, false, HIGH },
	{ "age", "age", "=age|birth_year|year_of_birth|birthyear|geburtsjahr|annee_naissance|=alter|=edad|=eta", NULL, bulla_is_age,
	  NULL, 0, false, false, MEDIUM },
	{ "name", "name of a person",
	  "first_name|firstname|last_name|lastname|surname|given_name|family_name|middle_name|maiden_name|full_name|fullname|"
	  "forename|birth_name|legal_name|fname|lname|vorname|nachname|familienname|geburtsname|prenom|nom_de_famille|"
	  "nom_famille|nombre_completo|apellido|apellidos|cognome|nome_completo|sobrenome|voornaam|achternaam|tussenvoegsel|"
	  "fornavn|etternavn|efternavn|fornamn|efternamn|etunimi|sukunimi|imie|nazwisko|cardholder|card_holder|account_holder|"
	  "contact_name|contact_person|customer_name|patient_name|employee_name|person_name|recipient_name|client_name|"
	  "guardian|next_of_kin|emergency_contact|spouse",
	  "id|count|at|email|phone", bulla_is_person_name, NULL, 0, false, false, HIGH },
	{ "name", "name of a person", "=name|=names|=nom|=nombre|=nome|=naam|=navn|=namn|=display_name|=displayname|=recipient", NULL,
	  bulla_is_person_name, NULL, 0, false, PEOPLE, MEDIUM },
	{ "special", "special category (health, belief, origin, union, sexual life)",
	  "diagnosis|diagnoses|disease|illness|medication|medications|prescription|blood_type|blood_group|allergy|allergies|"
	  "disability|disabilities|religion|ethnicity|ethnic_origin|sexual_orientation|political_party|union_member|union_membership|"
	  "diagnose|krankheit|blutgruppe|konfession|maladie|groupe_sanguin|diagnostico|enfermedad|religione|hiv_status|=race",
	  NULL, NULL, NULL, 0, false, false, MEDIUM },
	{ "attribute", "attribute of a person",
	  "gender|sex|nationality|citizenship|marital_status|geschlecht|nationalitat|familienstand|staatsangehorigkeit|"
	  "nationalite|genero|sexo|nacionalidad|estado_civil|maiden",
	  NULL, NULL, NULL, 0, false, PEOPLE, LOW },

	/* --- where somebody is --- */
	{ "address", "postal address",
	  "street|address|addr|street_address|home_address|billing_address|shipping_address|postal_address|mailing_address|"
	  "address_line|strasse|anschrift|adresse|rue|calle|direccion|domicilio|indirizzo|endereco|straat|adres|adress|gateadresse|"
	  "hausnummer|house_number",
	  "email|e|mail|ip|mac|url|web|wallet|bitcoin|memory|contract|id|type", bulla_is_address, bulla_is_street_address, 100, false,
	  false, HIGH },
	{ "birth_place", "place of birth",
	  "birthplace|birth_place|place_of_birth|birth_city|geburtsort|lieu_naissance|lieu_de_naissance|lugar_nacimiento|"
	  "luogo_di_nascita|geboorteplaats",
	  NULL, bulla_is_place, NULL, 0, false, false, MEDIUM },
	{ "postcode", "postcode", "zip|zipcode|zip_code|postcode|postal_code|post_code|plz|postleitzahl|code_postal|codigo_postal|postnummer",
	  NULL, bulla_is_postcode, NULL, 0, false, false, LOW },
	{ "city", "place", "city|town|ort|wohnort|stadt|ville|ciudad|citta|cidade|woonplaats|plaats|poststed", NULL, bulla_is_place,
	  NULL, 0, false, false, LOW },
	{ "position", "position on the earth", "latitude|longitude|=lat|=lng|=lon|=long|geo_lat|geo_lng|geo_lon|gps", NULL,
	  bulla_is_coordinate, NULL, 0, false, false, MEDIUM },

	/* --- what leads to somebody --- */
	{ "ip", "IP address", "ip|ip_address|ipaddress|ip_addr|remote_addr|client_ip|last_ip|sign_in_ip|ipv_4|ipv_6",
	  "version|build|release|firmware|subnet|server", bulla_is_ip, bulla_is_ip, 100, false, false, HIGH },
	{ "mac", "hardware address", "mac|mac_address|hwaddr|bssid", NULL, bulla_is_mac, bulla_is_mac, 200, false, false, MEDIUM },
	{ "imei", "device number (IMEI)", "imei|device_imei", NULL, bulla_is_imei, NULL, 0, false, false, HIGH },
};
/* clang-format on */

const size_t bulla_detector_count = sizeof bulla_detectors / sizeof *bulla_detectors;

_Static_assert(sizeof bulla_detectors / sizeof *bulla_detectors <= BULLA_DETECTORS_MAX, "room for the counts of each");

const char *bulla_confidence_name(bulla_confidence confidence)
{
	static const char *const names[] = { "none", "low", "medium", "high" };
	return names[confidence];
}
