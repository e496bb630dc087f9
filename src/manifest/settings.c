/** Karpenter's own settings, which people keep beside their manifests: no objects that kerf reads, but full of old keys. */
#include "manifest/manifest_internal.h"

static void warn_drift_gate(struct kerf_reader *reader, const struct kerf_value *gates)
{
    static const char *const keys[] = {"drift", "Drift", "driftEnabled"};
    for (size_t i = 0; i < KERF_COUNT_OF(keys); i++) {
        const struct kerf_value *gate = kerf_value_get_or_null(gates, keys[i]);
        if (gate)
            kerf_value_warn(gate, reader->errs, "the feature gate %s is gone since Karpenter 1.0: drift is always on", keys[i]);
    }
}

bool kerf_read_helm_values(struct kerf_reader *reader, const struct kerf_value *root)
{
    const struct kerf_value *settings = kerf_value_get(root, "settings");
    const struct kerf_value *gates = kerf_value_get(settings, "featureGates");
    if (!kerf_value_is_map(gates))
        gates = kerf_value_get(root, "featureGates");
    if (!kerf_value_is_map(settings) && !kerf_value_is_map(gates))
        return false;
    kerf_value_warn(root, reader->errs, "no Kubernetes object (Helm values of Karpenter, it seems); passed over");
    warn_drift_gate(reader, gates);
    return true;
}

void kerf_read_config_map(struct kerf_reader *reader, const struct kerf_value *object)
{
    if (kerf_read_autoscaler_priorities(reader, object))
        return;
    if (strcmp(kerf_value_get_text_or(kerf_value_get(object, "metadata"), "name", ""), "karpenter-global-settings") != 0)
        return;
    kerf_value_warn(object, reader->errs, "karpenter-global-settings is not read any more by Karpenter since 0.33; passed over");
    const struct kerf_value *gate = kerf_value_get(kerf_value_get(object, "data"), "featureGates.driftEnabled");
    if (gate)
        kerf_value_warn(gate, reader->errs, "the feature gate drift is gone since Karpenter 1.0: drift is always on");
}
