#include "sim/text.h"
#include "sim/dice.h"
#include "sim/id.h"
#include <string.h>

/* What people write: long and short, with quotes, line feeds, backslashes, emoji, a combining mark
 * and characters outside the basic plane. */
static const char *const lines[] = {
    "大家好，欢迎来到本期节目",
    "今天我们来聊一聊“云剪辑”😀",
    "第一步：上传素材；第二步：提交任务",
    "路径是 C:\\素材\\片头.mp4，不要写错",
    "他说：\"太快了！\"",
    "换行测试：上一行\n下一行",
    "百分之百 100% & <b>加粗</b>",
    "𠮷野家的𠮷字和👨‍👩‍👧‍👦一家人",
    "cafe\xcc\x81 里的 naïve 用户",
    "列表\t制表符\t结束",
    "感谢观看，记得点赞、收藏、转发 ❤️",
    "夏季新品上市，限时八折，先到先得",
    "本视频由人工智能合成，仅供演示",
};

static const char *line(uint64_t seed, uint64_t index, uint64_t n)
{
    return lines[sim_dice(seed, index, SIM_FOR_SUBTITLE + n) % ARRAY_LEN(lines)];
}

static void write_id(struct sim_out *o, const char *key, uint64_t seed, enum sim_id_kind kind,
                     uint64_t index)
{
    char id[SIM_ID_LEN];
    sim_id_make(seed, kind, index, id);
    sim_out_pair(o, key, id);
}

static void video_clip(struct sim_out *o, uint64_t seed, uint64_t index, unsigned n)
{
    sim_out_text(o, n ? ",{" : "{");
    write_id(o, "MediaId", seed, SIM_ID_MATERIAL, index * 64 + n);
    sim_out_format(o, ",\"In\":0,\"Out\":%u.5,\"TimelineIn\":%u", n + 3, n * 4);
    sim_out_text(o, ",\"Effects\":[{\"Type\":\"Transition\",\"SubType\":\"directional\"},"
                    "{\"Type\":\"Background\",\"SubType\":\"Blur\",\"Radius\":0.1}]}");
}

static void subtitle_clip(struct sim_out *o, uint64_t seed, uint64_t index, unsigned n)
{
    sim_out_format(o, "%s{\"Type\":\"Text\",\"TimelineIn\":%u.033333,\"TimelineOut\":%u.5,",
                   n ? "," : "", n * 2, n * 2 + 2);
    sim_out_text(o, "\"X\":0.5,\"Y\":0.8,\"Font\":\"AlibabaPuHuiTi\",\"FontSize\":60,\"Content\":");
    const char *content = line(seed, index, n);
    sim_out_string(o, content, strlen(content));
    sim_out_text(o, "}");
}

/* About 165 bytes a subtitle. */
static unsigned subtitles(uint64_t seed, uint64_t index)
{
    uint64_t roll = sim_dice(seed, index, SIM_FOR_TIMELINE);
    if (roll % 128 == 0)
        return 1200;
    return 3 + (unsigned)(roll >> 8) % 20;
}

void sim_text_timeline(struct sim_out *o, uint64_t seed, uint64_t index)
{
    unsigned clips = 1 + (unsigned)(sim_dice(seed, index, SIM_FOR_TIMELINE) >> 16) % 6;
    sim_out_text(o, "{\"VideoTracks\":[{\"VideoTrackClips\":[");
    for (unsigned i = 0; i < clips; i++)
        video_clip(o, seed, index, i);
    sim_out_text(o, "]}],\"AudioTracks\":[{\"AudioTrackClips\":[{\"MediaURL\":\"http:\\/\\/"
                    "demo-bucket.oss-cn-shanghai.aliyuncs.com\\/bgm.mp3\",\"LoopMode\":true}]}],"
                    "\"SubtitleTracks\":[{\"SubtitleTrackClips\":[");
    for (unsigned i = 0; i < subtitles(seed, index); i++)
        subtitle_clip(o, seed, index, i);
    sim_out_text(o, "]}]}");
}

void sim_text_clips_param(struct sim_out *o, uint64_t seed, uint64_t index)
{
    sim_out_text(o, "{");
    write_id(o, "VideoArray", seed, SIM_ID_MATERIAL, index * 64);
    const char *title = line(seed, index, SIM_FOR_CLIPS);
    sim_out_pair(o, "Title", title);
    sim_out_text(o, "}");
}

void sim_text_user_data(struct sim_out *o, uint64_t seed, uint64_t index)
{
    if (sim_dice_one_in(seed, index, SIM_FOR_USER_DATA, 20)) {
        sim_out_text(o, "运营后台提交，批次 ");
        sim_out_format(o, "%u", (unsigned)(index % 1000));
        return;
    }
    sim_out_text(o, "{\"NotifyAddress\":\"ice-callback-demo\",\"业务\":");
    const char *business = line(seed, index, SIM_FOR_USER_DATA);
    sim_out_string(o, business, strlen(business));
    sim_out_format(o, ",\"订单\":%u}",
                   (unsigned)(100000 + sim_dice(seed, index, SIM_FOR_USER_DATA) % 900000));
}

void sim_text_materials(struct sim_out *o, uint64_t seed, uint64_t index)
{
    unsigned n = 1 + (unsigned)(sim_dice(seed, index, SIM_FOR_MATERIALS) >> 8) % 4;
    sim_out_text(o, "[");
    for (unsigned i = 0; i < n; i++) {
        sim_out_text(o, i ? ",{" : "{");
        write_id(o, "MediaId", seed, SIM_ID_MATERIAL, index * 64 + i);
        sim_out_format(o, ",\"Type\":\"video\",\"Duration\":%u.%u}", 3 + i, 5 * (i % 2));
    }
    sim_out_text(o, "]");
}

const struct sim_failure *sim_text_failure(uint64_t seed, uint64_t index)
{
    static const struct sim_failure failures[] = {
        {"InvalidMaterial.NotFound", "The material is not found: 素材不存在或已被删除。", false},
        {"InvalidParameter.ResourceContentBad", "素材内容无法解析：文件已损坏 (bad moov atom).",
         false},
        {"TimelineFormatError", "时间线格式错误：\"SubtitleTracks\" 不是合法的 JSON。", true},
        {"ExceededMaximumValue", "输出分辨率超过上限 4096。", false},
        {"InternalError", "The request processing has failed due to some unknown error.", false},
    };
    return &failures[sim_dice(seed, index, SIM_FOR_CODE) % ARRAY_LEN(failures)];
}
