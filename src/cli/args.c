#include "cli/args.h"
#include "cli/config.h"
#include "cli/optlist.h"
#include <getopt.h>
#include <string.h>

#define WORDS_MAX 2

struct args {
    struct options *o;
    const char *cwd;
    const char *words[WORDS_MAX + 1]; /* one more, to see that there are too many */
    size_t n_words;
    const char *lists[64]; /* the texts of -o, applied once it is known how strictly */
    size_t n_lists;
    bool helper; /* called by mount(8) */
    bool sloppy;
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};

static bool is_helper(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    return strncmp(slash ? slash + 1 : argv0, "mount.", 6) == 0;
}

static void take_word(struct args *a, const char *word)
{
    if (a->n_words < ARRAY_LEN(a->words))
        a->words[a->n_words++] = word;
}

static int take_list(struct args *a, const char *list, struct err *err)
{
    if (a->n_lists == ARRAY_LEN(a->lists))
        return err_set(err, "too many -o");
    a->lists[a->n_lists++] = list;
    return 0;
}

static int refuse_flag(char **argv, struct err *err)
{
    if (optopt == 'o' || optopt == 't')
        return err_set(err, "-%c needs a value", optopt);
    if (optopt)
        return err_set(err, "unknown flag -%c", optopt);
    return err_set(err, "unknown flag %s", argv[optind - 1]);
}

static int take_flag(struct args *a, int flag, char **argv, struct err *err)
{
    switch (flag) {
    case 1: /* no flag: a word */
        take_word(a, optarg);
        return 0;
    case 'o':
        return take_list(a, optarg, err);
    case 'f':
        if (a->helper)
            a->o->command = OPTIONS_FAKE;
        else
            a->o->foreground = true;
        return 0;
    case 'd':
        a->o->debug++;
        return 0;
    case 'h':
        a->o->command = OPTIONS_HELP;
        return 0;
    case 'V':
        a->o->command = OPTIONS_VERSION;
        return 0;
    case 's': /* mount(8)'s own from here on */
        a->sloppy = true;
        return 0;
    case 'n':
    case 'v':
    case 'r':
    case 'w':
    case 't':
        return 0;
    default:
        return refuse_flag(argv, err);
    }
}

/* Help and version end it: what stands behind them need not be right. */
static int take_words(struct args *a, int argc, char **argv, struct err *err)
{
    /* '-': words come in their order, POSIXLY_CORRECT or not; ':' tells a missing value apart */
    const char *flags = a->helper ? "-:o:fdhVnsvrwt:" : "-:o:fdhV";
    int flag;
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((flag = getopt_long(argc, argv, flags, long_options, NULL)) != -1) {
        if (take_flag(a, flag, argv, err) < 0)
            return -1;
        if (a->o->command == OPTIONS_HELP || a->o->command == OPTIONS_VERSION)
            return 0;
    }
    while (optind < argc)
        take_word(a, argv[optind++]);
    return 0;
}

static int keep_word(char **slot, const char *word, struct err *err)
{
    *slot = strdup(word);
    return *slot ? 0 : err_set(err, "out of memory");
}

static int name_words(struct args *a, struct err *err)
{
    struct options *o = a->o;
    if (a->n_words == 0)
        return err_set(err, "SOURCE and MOUNTPOINT are missing");
    if (strcmp(a->words[0], "doctor") == 0) {
        o->command = OPTIONS_DOCTOR;
        if (a->n_words != 2)
            return err_set(err, "doctor takes one SOURCE");
        return keep_word(&o->source, a->words[1], err);
    }
    if (strcmp(a->words[0], "wait") == 0)
        return err_set(err, "'wait' comes first, and takes only --timeout and directories of jobs");
    if (a->n_words < 2)
        return err_set(err, "MOUNTPOINT is missing");
    if (a->n_words > 2)
        return err_set(err, "one SOURCE and one MOUNTPOINT, not also '%s'", a->words[2]);
    if (keep_word(&o->source, a->words[0], err) < 0)
        return -1;
    return keep_word(&o->mountpoint, a->words[1], err);
}

int args_parse(int argc, char **argv, const struct options_env *env, struct options *out,
               struct err *err)
{
    if (options_init(out, env, err) < 0)
        return -1;
    struct args a = {.o = out, .cwd = env->cwd, .helper = argc > 0 && is_helper(argv[0])};
    if (take_words(&a, argc, argv, err) < 0)
        return -1;
    if (out->command == OPTIONS_HELP || out->command == OPTIONS_VERSION)
        return 0;
    if (name_words(&a, err) < 0)
        return -1;
    for (size_t i = 0; i < a.n_lists; i++)
        if (optlist_apply(out, a.lists[i], a.cwd, a.sloppy, err) < 0)
            return -1;
    if (config_apply(out, err) < 0)
        return -1;
    options_settle(out);
    return 0;
}
