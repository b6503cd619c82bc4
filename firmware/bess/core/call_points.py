"""The points with calls behind them. Written by tools/registers.py."""

from micropython import const

# operate: index in its row of values
SET_MODE = const(0)
CHARGE_TO_PM = const(1)
CONSTANT_W = const(2)
CONSTANT_MIN = const(3)
DISCHARGE_AT_W = const(4)
DISCHARGE_MIN = const(5)
STOP_OPERATION = const(6)
SET_GRID = const(7)
REFUSAL = const(8)
OPERATE_POINTS = const(9)
OPERATE_BASE = const(300)
OPERATE_SPAN = const(12)

# reset: index in its row of values
RESET_NUMBER = const(0)
RESET = const(1)
CAUSES_PRESENT = const(2)
RESET_REFUSAL = const(3)
RESET_POINTS = const(4)
RESET_BASE = const(340)
RESET_SPAN = const(4)

# charge: index in its row of values
C_METHOD = const(0)
C_W_MAX = const(1)
C_MA_MAX = const(2)
C_MV_MAX = const(3)
C_TARGET_PM = const(4)
C_MINUTES_MAX = const(5)
C_BALANCING = const(6)
C_TAKE = const(7)
CHARGE_POINTS = const(8)
CHARGE_BASE = const(400)
CHARGE_SPAN = const(12)

# discharge: index in its row of values
D_W_MAX = const(0)
D_MA_MAX = const(1)
D_MV_MIN = const(2)
D_MIN_PM = const(3)
D_MINUTES_MAX = const(4)
D_TAKE = const(5)
DISCHARGE_POINTS = const(6)
DISCHARGE_BASE = const(420)
DISCHARGE_SPAN = const(9)

# schedule: index in its row of values
SCHEDULE_ON = const(0)
SCHEDULE_MODE = const(1)
SCHEDULE_W = const(2)
SCHEDULE_LEFT_S = const(3)
SCHEDULE_USED = const(4)
SCHEDULE_POINTS = const(5)
SCHEDULE_BASE = const(440)
SCHEDULE_SPAN = const(7)

# maintenance: index in its row of values
TEST_KIND = const(0)
TEST_COILS = const(1)
TEST_W = const(2)
TEST_W_MAX = const(3)
MAINTENANCE_POINTS = const(4)
MAINTENANCE_BASE = const(460)
MAINTENANCE_SPAN = const(6)

# calibration: index in its row of values
CALIBRATION_DUE = const(0)
CALIBRATION_ASKS = const(1)
SINCE_FULL_S = const(2)
COUNT_DISAGREES = const(3)
CALIBRATION_POINTS = const(4)
CALIBRATION_BASE = const(470)
CALIBRATION_SPAN = const(5)

# alarms: index in its row of values
ALARMS_LISTED = const(0)
ALARMS_LOST = const(1)
ACKNOWLEDGE = const(2)
ALARMS_POINTS = const(3)
ALARMS_BASE = const(480)
ALARMS_SPAN = const(3)

# entry: index in its row of values
T_ENABLED = const(0)
T_DAY = const(1)
T_HOUR = const(2)
T_MINUTE = const(3)
T_MODE = const(4)
T_W = const(5)
T_MINUTES = const(6)
T_REPEAT = const(7)
T_DO = const(8)
ENTRY_POINTS = const(9)
ENTRY_BASE = const(4000)
ENTRY_SPAN = const(11)
ENTRY_STRIDE = const(16)

# alarm: index in its row of values
A_ID = const(0)
A_LEVEL = const(1)
A_ACTIVE = const(2)
A_ACKNOWLEDGED = const(3)
A_FIRST_AGE_S = const(4)
A_LAST_AGE_S = const(5)
A_COUNT = const(6)
A_DATA = const(7)
ALARM_POINTS = const(8)
ALARM_BASE = const(5000)
ALARM_SPAN = const(12)
ALARM_STRIDE = const(16)

# a register block in index order: (register - base) * 8 + kind, two bytes each
# kind: 0 u16, 1 i16, 2 u32, 3 i32
OPERATE_MAP = (
    b'\x00\x00\x00\x08\x00\x13\x00 \x002\x00@\x00H\x00P'
    b'\x00X'
)
RESET_MAP = (
    b'\x00\x00\x00\x08\x00\x10\x00\x18'
)
CHARGE_MAP = (
    b'\x00\x00\x00\x12\x00"\x002\x00@\x00H\x00P\x00X'
)
DISCHARGE_MAP = (
    b'\x00\x02\x00\x12\x00"\x000\x008\x00@'
)
SCHEDULE_MAP = (
    b'\x00\x00\x00\x08\x00\x13\x00"\x000'
)
MAINTENANCE_MAP = (
    b'\x00\x00\x00\x08\x00\x13\x00"'
)
CALIBRATION_MAP = (
    b'\x00\x00\x00\x08\x00\x12\x00 '
)
ALARMS_MAP = (
    b'\x00\x00\x00\x08\x00\x10'
)
ENTRY_MAP = (
    b'\x00\x00\x00\x08\x00\x10\x00\x18\x00 \x003\x00@\x00H'
    b'\x00P'
)
ALARM_MAP = (
    b'\x00\x00\x00\x08\x00\x10\x00\x18\x00"\x002\x00@\x00S'
)
