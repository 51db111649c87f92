/*
 * sigv4_vectors.h - requests and their signatures as botocore 1.43.11 makes them; the vanilla ones are also in AWS's
 * documentation.
 *
 * Signed at 20150830T123600Z by AKIDEXAMPLE for us-east-1/service; Host (example.amazonaws.com) and X-Amz-Date come to the
 * headers listed.
 */
#ifndef TEST_SIGV4_VECTORS_H
#define TEST_SIGV4_VECTORS_H

typedef struct sigv4_vector {
	const char *method, *target;
	struct {
		const char *name, *value;
	} headers[5];
	const char *body;
	const char *signature;
} sigv4_vector;

static const sigv4_vector sigv4_vectors[] = {
	{ "GET", "/", { { NULL, NULL } }, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "POST", "/", { { NULL, NULL } }, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "GET", "/?Param1=value1", { { NULL, NULL } }, "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ "GET",
	  "/?Param2=value2&Param1=value1",
	  { { NULL, NULL } },
	  "",
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "GET",
	  "/?Param1=value2&Param1=Value1&Param1=value1",
	  { { NULL, NULL } },
	  "",
	  "4de277acd87320140a7c9b7fd71dc3efc91c3757b17ff171606cd96a5828ba2e" },
	{ "GET",
	  "/?b=2&a-b=1&a=3&a=1&ab=4",
	  { { NULL, NULL } },
	  "",
	  "af8a9675aafdbcd66d639287a88453742da121f93ae8da9a448136f2424fabe9" },
	{ "GET", "/?empty=&flag=1", { { NULL, NULL } }, "", "80b25379dabb50fcb8ec909878cc413d3135bd8fc5eeb41f1a1763a95ccea55d" },
	{ "GET",
	  "/?%E1%88%B4=bar%20baz",
	  { { NULL, NULL } },
	  "",
	  "bb0ddc252adfc7f2181e445c84563e3bb1c7869f74bddc29efe88ba8d7b1218d" },
	{ "GET",
	  "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	  { { NULL, NULL } },
	  "",
	  "98964e1079ce472101899439653197a4f6e602f30cd6aaf6c76d81b4fd9866fe" },
	{ "GET", "/example/..", { { NULL, NULL } }, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "GET", "/./", { { NULL, NULL } }, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "GET", "/./example", { { NULL, NULL } }, "", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5" },
	{ "GET", "//example//", { { NULL, NULL } }, "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84" },
	{ "GET",
	  "/example1/example2/../..",
	  { { NULL, NULL } },
	  "",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "GET", "/a/./b//../c/", { { NULL, NULL } }, "", "03815191a982245f233767bed9d5022ca4cf6dc96e4c7598525bfdbc1932b50c" },
	{ "GET", "/../../x", { { NULL, NULL } }, "", "55d1588ca3afc1b214110bfc9ec9c8b224fc9fcd08bef384fafca9f1e619b523" },
	{ "GET",
	  "/example%20space/",
	  { { NULL, NULL } },
	  "",
	  "446b817944c553435b35e813c261ff4e161fff982d1bacdef1c87f6785dd1662" },
	{ "GET",
	  "/a+b:c@d,e;f(g)*h",
	  { { NULL, NULL } },
	  "",
	  "5d37341eca14c05744a32d99b5cb57ca703e8fa3c2cf16d8670cd9b1fab3ff08" },
	{ "GET",
	  "/",
	  { { "My-Header1", "value4" }, { "My-Header1", "value1" }, { "My-Header1", "value3" } },
	  "",
	  "4308aee29786bd01288955ced08fec4107b7a775176774808d7342b80eec106b" },
	{ "GET",
	  "/",
	  { { "My-Header1", "  a   b   c  " }, { "My-Header2", " \"x   y\" " } },
	  "",
	  "1ea99e6ef5f862ef4b2843e5f11c77cf552a708ef57950de185bdd9b38703adf" },
	{ "GET", "/", { { "My-Header1", "a\t b" } }, "", "21023c79d9c4385e0a9edaf79bcb88564864b3eaada2561c6a3dc6b848e8b80b" },
	{ "GET",
	  "/",
	  { { "ZOO", "1" }, { "a-b", "2" }, { "A", "3" }, { "Empty", "" } },
	  "",
	  "d2104d3fc788a47cde21d2d101ef2551ec68dcfd15754bf4d82559c05fea7dff" },
	{ "POST",
	  "/",
	  { { "Content-Type", "application/x-www-form-urlencoded" } },
	  "Param1=value1",
	  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
	{ "POST",
	  "/",
	  { { "Content-Type", "application/x-amz-json-1.1" }, { "X-Amz-Target", "TrentService.ListKeys" } },
	  "{}",
	  "d791c382b958ff49c9134e53f63c6c66cf43c17b0fdc98912b8f30fa3cc36749" },
	{ "DELETE",
	  "/k?uploads=&part=1%2B1",
	  { { "Range", "bytes=0-1" } },
	  "",
	  "4e56745459ba231134f6dc741ecaba9099c9ee3aa9f47359149ca9691f7f442d" },
};

#endif
