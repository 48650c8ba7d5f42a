// The shortcodes an approvals app is likely to use.

const CODES = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫", warning: "⚠️",
  rotating_light: "🚨", bell: "🔔", no_bell: "🔕", hourglass: "⌛", hourglass_flowing_sand: "⏳", alarm_clock: "⏰",
  stopwatch: "⏱️", timer_clock: "⏲️", clock1: "🕐", clock3: "🕒", lock: "🔒", unlock: "🔓", key: "🔑", shield: "🛡️",
  robot_face: "🤖", bust_in_silhouette: "👤", busts_in_silhouette: "👥", raised_hand: "✋", hand: "✋", wave: "👋",
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", eyes: "👀", pray: "🙏", clap: "👏", muscle: "💪",
  point_right: "👉", point_left: "👈", point_up: "☝️", point_down: "👇", ok_hand: "👌", handshake: "🤝",
  moneybag: "💰", money_with_wings: "💸", dollar: "💵", credit_card: "💳", chart_with_upwards_trend: "📈",
  chart_with_downwards_trend: "📉", bar_chart: "📊", memo: "📝", pencil: "📝", pencil2: "✏️", clipboard: "📋",
  page_facing_up: "📄", page_with_curl: "📃", file_folder: "📁", open_file_folder: "📂", package: "📦", inbox_tray: "📥",
  outbox_tray: "📤", email: "📧", envelope: "✉️", mailbox: "📫", link: "🔗", paperclip: "📎", pushpin: "📌",
  round_pushpin: "📍", mag: "🔍", mag_right: "🔎", bulb: "💡", wrench: "🔧", hammer: "🔨", gear: "⚙️",
  hammer_and_wrench: "🛠️", rocket: "🚀", fire: "🔥", boom: "💥", zap: "⚡", star: "⭐", sparkles: "✨", tada: "🎉",
  trophy: "🏆", medal: "🏅", checkered_flag: "🏁", triangular_flag_on_post: "🚩", red_circle: "🔴",
  large_red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢",
  large_blue_circle: "🔵", large_purple_circle: "🟣", white_circle: "⚪", black_circle: "⚫", large_orange_diamond: "🔶",
  large_blue_diamond: "🔷", small_red_triangle: "🔺", question: "❓", grey_question: "❔", exclamation: "❗",
  heavy_exclamation_mark: "❗", interrobang: "⁉️", information_source: "ℹ️", speech_balloon: "💬", thought_balloon: "💭",
  loudspeaker: "📢", mega: "📣", repeat: "🔁", arrows_counterclockwise: "🔄", arrow_right: "➡️", arrow_left: "⬅️",
  arrow_up: "⬆️", arrow_down: "⬇️", arrow_right_hook: "↪️", leftwards_arrow_with_hook: "↩️", back: "🔙", fast_forward: "⏩",
  arrow_forward: "▶️", double_vertical_bar: "⏸️", pause_button: "⏸️", black_square_for_stop: "⏹️", stop_button: "⏹️",
  octagonal_sign: "🛑", stop_sign: "🛑", construction: "🚧", vertical_traffic_light: "🚦", ballot_box_with_check: "☑️",
  heavy_plus_sign: "➕", heavy_minus_sign: "➖", calendar: "📅", date: "📅", spiral_calendar_pad: "🗓️", brain: "🧠",
  smile: "😄", slightly_smiling_face: "🙂", thinking_face: "🤔", sob: "😭", scream: "😱", sleeping: "😴", zzz: "💤",
  sunglasses: "😎", heart: "❤️", ghost: "👻", bug: "🐛", globe_with_meridians: "🌐", scales: "⚖️", balance_scale: "⚖️",
  crystal_ball: "🔮", test_tube: "🧪", seedling: "🌱", palm_tree: "🌴", fork_and_knife: "🍴", coffee: "☕", ticket: "🎫",
  label: "🏷️", receipt: "🧾", bank: "🏦", office: "🏢", computer: "💻", card_index_dividers: "🗂️", wastebasket: "🗑️",
};

export const emoji = (name) => CODES[name.replace(/::skin-tone-\d/, "")];
export const withEmoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (all, name) => emoji(name) || all);
