/** What `aws ec2 describe-capacity-reservations` prints, and which of them an EC2NodeClass has. */
#include <criterion/criterion.h>

#include "../../support/objects_builder.h"
#include "document/document.h"

static struct test_world world;

static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(capacity_reservations, .init = set_up, .fini = tear_down);

#define CLASS(spec, status)                                                                                                                \
    "---\n{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: default}, spec: {amiSelectorTerms: [{alias: al2023@latest}]" spec "}" status "}\n"

static const char described[] =
    "---\n{\"CapacityReservations\": [\n"
    " {\"CapacityReservationId\": \"cr-b\", \"OwnerId\": \"111\", \"InstanceType\": \"m5.large\", \"AvailabilityZone\": \"us-east-1a\",\n"
    "  \"TotalInstanceCount\": 5, \"AvailableInstanceCount\": 3, \"State\": \"active\", \"InstanceMatchCriteria\": \"targeted\",\n"
    "  \"EndDateType\": \"limited\", \"EndDate\": \"2027-01-01T00:00:00+00:00\", \"Tags\": [{\"Key\": \"team\", \"Value\": \"a\"}]},\n"
    " {\"CapacityReservationId\": \"cr-a\", \"OwnerId\": \"222\", \"InstanceType\": \"p5.48xlarge\", \"AvailabilityZone\": \"us-east-1b\",\n"
    "  \"AvailableInstanceCount\": 2, \"State\": \"active\", \"ReservationType\": \"capacity-block\", \"Tags\": [{\"Key\": \"team\", \"Value\": \"b\"}]},\n"
    " {\"CapacityReservationId\": \"cr-c\", \"InstanceType\": \"m5.large\", \"AvailabilityZone\": \"us-east-1a\", \"AvailableInstanceCount\": 1,\n"
    "  \"State\": \"expired\"}]}\n";

static const char *ids_of_class(const char *nodeclass)
{
    static char text[128];
    char both[4096];
    snprintf(both, sizeof both, "%s%s", described, nodeclass);
    test_world_read_clean(&world, both);
    kerf_manifest_settle(&world.objects, world.vocabulary, false);
    size_t length = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < world.objects.nodeclasses.items[0].reservation_count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s ", world.objects.nodeclasses.items[0].reservations[i].id->text);
    return text;
}

Test(capacity_reservations, are_read_as_aws_prints_them)
{
    cr_expect_str_eq(ids_of_class(CLASS(", capacityReservationSelectorTerms: [{tags: {team: '*'}}]", "")), "cr-a cr-b ");
    const struct kerf_capacity_reservation *own = world.objects.nodeclasses.items[0].reservations;
    cr_expect(own[0].capacity_block && !own[1].capacity_block);
    cr_expect(own[1].targeted && !own[0].targeted);
    cr_expect_eq(own[1].available_count, 3);
    cr_expect_str_eq(own[1].instance_type->text, "m5.large");
    cr_expect_eq(own[0].end_epoch_us, KERF_TIME_NEVER);
    kerf_time_us end_epoch_us;
    cr_assert(kerf_parse_time("2027-01-01T00:00:00Z", &end_epoch_us));
    cr_expect_eq(own[1].end_epoch_us, end_epoch_us);
}

Test(capacity_reservations, terms_select_by_all_that_they_name)
{
    static const char *const cases[][2] = {
        {CLASS("", ""), ""},
        {CLASS(", capacityReservationSelectorTerms: [{id: cr-b}]", ""), "cr-b "},
        {CLASS(", capacityReservationSelectorTerms: [{ownerID: '222'}, {tags: {team: a}}]", ""), "cr-a cr-b "},
        {CLASS(", capacityReservationSelectorTerms: [{ownerID: '222', tags: {team: a}}]", ""), ""},
        {CLASS(", capacityReservationSelectorTerms: [{instanceMatchCriteria: targeted, tags: {team: '*'}}]", ""), "cr-b "},
        {CLASS(", capacityReservationSelectorTerms: [{id: cr-c}]", ""), ""}, /* it has expired */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_str_eq(ids_of_class(cases[i][0]), cases[i][1], "%s", cases[i][0]);
        tear_down();
        set_up();
    }
}

Test(capacity_reservations, a_status_says_what_karpenter_found)
{
    cr_expect_str_eq(ids_of_class(CLASS(", capacityReservationSelectorTerms: [{id: cr-a}]", ", status: {capacityReservations: [{id: cr-b}]}")), "cr-b ");
    tear_down();
    set_up();
    test_world_read(&world, CLASS("", ", status: {capacityReservations: [{id: cr-z}]}"));
    cr_expect_eq(world.status, KERF_OK);
    cr_expect(strstr(world.messages, "how many instances cr-z has room for"), "%s", world.messages);
}

Test(capacity_reservations, bad_ones_are_refused)
{
    static const char *const cases[][2] = {
        {"---\n{CapacityReservations: [{InstanceType: m5.large, AvailabilityZone: z, AvailableInstanceCount: 1}]}", "CapacityReservationId"},
        {"---\n{CapacityReservations: [{CapacityReservationId: a, AvailabilityZone: z, AvailableInstanceCount: 1}]}", "InstanceType"},
        {"---\n{CapacityReservations: [{CapacityReservationId: a, InstanceType: t, AvailabilityZone: z}]}", "AvailableInstanceCount"},
        {"---\n{CapacityReservations: [{CapacityReservationId: a, InstanceType: t, AvailabilityZone: z, AvailableInstanceCount: -1}]}", "-1"},
        {"---\n{CapacityReservations: [{CapacityReservationId: a, InstanceType: t, AvailabilityZone: z, AvailableInstanceCount: 1, EndDate: soon}]}", "soon"},
        {"---\n{CapacityReservations: [x]}", "expected a map"},
        {"---\n{CapacityReservations: x}", "expected a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_world_read(&world, cases[i][0]);
        cr_expect_neq(world.status, KERF_OK, "%s", cases[i][0]);
        cr_expect(strstr(world.messages, cases[i][1]), "%s: %s", cases[i][0], world.messages);
        tear_down();
        set_up();
    }
}
