#include "ports/features.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

static bool ask(int fd, const char *name, void *request)
{
    struct ifreq question = {0};
    memcpy(question.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    question.ifr_data = request;
    return ioctl(fd, SIOCETHTOOL, &question) == 0;
}

/* The number of features for which this kernel has names. */
static uint32_t count_features(int fd, const char *name)
{
    struct {
        struct ethtool_sset_info info;
        uint32_t count;
    } request = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
    return ask(fd, name, &request) && request.info.sset_mask ? request.count : 0;
}

static bool is_on(const struct ethtool_gstrings *names, const struct ethtool_gfeatures *values, const char *feature)
{
    for (uint32_t i = 0; i < names->len && i < values->size * 32; i++)
        if (strncmp((const char *)names->data + i * ETH_GSTRING_LEN, feature, ETH_GSTRING_LEN) == 0)
            return values->features[i / 32].active >> i % 32 & 1;
    return false;
}

ss_features ss_read_features(int fd, const char *name)
{
    ss_features found = {0};
    uint32_t count = count_features(fd, name), blocks = (count + 31) / 32;
    struct ethtool_gstrings *names = calloc(1, sizeof *names + count * ETH_GSTRING_LEN);
    struct ethtool_gfeatures *values = calloc(1, sizeof *values + blocks * sizeof values->features[0]);
    if (count && names && values) {
        names->cmd = ETHTOOL_GSTRINGS;
        names->string_set = ETH_SS_FEATURES;
        names->len = count;
        values->cmd = ETHTOOL_GFEATURES;
        values->size = blocks;
        if (ask(fd, name, names) && ask(fd, name, values)) {
            found.tcp = is_on(names, values, "tx-tcp-segmentation") && is_on(names, values, "tx-tcp6-segmentation") &&
                        is_on(names, values, "tx-tcp-ecn-segmentation");
            found.udp = is_on(names, values, "tx-udp-segmentation");
        }
    }
    free(names);
    free(values);
    return found;
}
