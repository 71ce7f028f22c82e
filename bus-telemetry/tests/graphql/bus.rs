//! A bus with a schema of its own, of which the documentation says what it has to have.

use juniper::{
    EmptyMutation, EmptySubscription, GraphQLEnum, GraphQLObject, RootNode, Variables,
    graphql_object,
};

macro_rules! told {
    ($( $name:ident of $value:ty ),* $(,)?) => {
        $(
            #[derive(GraphQLObject)]
            struct $name {
                value: $value,
                age_s: f64,
            }
        )*
    };
}

told! {
    Time of f64,
    ToldInertial of Inertial,
    ToldEarthFixed of EarthFixed,
    ToldLocation of Location,
    ToldAttitude of Attitude,
    ToldEclipse of bool,
    ToldPower of Power,
    ToldThermal of Thermal,
    Temperature of f64,
}

#[derive(GraphQLObject)]
struct Inertial {
    r_eci_km: Vec<f64>,
    v_eci_km_s: Vec<f64>,
}

#[derive(GraphQLObject)]
struct EarthFixed {
    r_ecef_km: Vec<f64>,
    v_ecef_km_s: Vec<f64>,
}

#[derive(GraphQLObject)]
struct Location {
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_km: f64,
    deviation: Option<Deviation>,
}

#[derive(GraphQLObject)]
struct Deviation {
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_km: f64,
}

#[derive(GraphQLEnum, Clone, Copy)]
enum Mode {
    #[graphql(name = "NADIRPOINTYAW")]
    NadirPointYaw,
}

#[derive(GraphQLObject)]
struct Attitude {
    mode: Mode,
    mode_commanded: Option<Mode>,
    body_from_eci: Option<Quaternion>,
    body_from_orbit: Option<Quaternion>,
    euler: Option<Euler>,
    rates_deg_s: Option<Vec<f64>>,
    control_error_deg: Option<f64>,
    target: Option<Target>,
}

#[derive(GraphQLObject)]
struct Quaternion {
    x: f64,
    y: f64,
    z: f64,
    w: f64,
}

#[derive(GraphQLObject)]
struct Euler {
    roll_deg: f64,
    pitch_deg: f64,
    yaw_deg: f64,
}

#[derive(GraphQLObject)]
struct Target {
    latitude_deg: f64,
    longitude_deg: f64,
}

#[derive(GraphQLObject)]
struct Power {
    battery_v: Option<f64>,
    rails: Vec<Rail>,
}

#[derive(GraphQLObject)]
struct Rail {
    name: String,
    on: Option<bool>,
    voltage_v: Option<f64>,
    current_a: Option<f64>,
}

#[derive(GraphQLObject)]
struct Thermal {
    sensors: Vec<Sensor>,
}

#[derive(GraphQLObject)]
struct Sensor {
    name: String,
    temperature_c: f64,
    heater_on: Option<bool>,
}

pub(crate) struct Bus;

#[graphql_object]
impl Bus {
    fn utc() -> Time {
        Time {
            value: 1_798_761_600.25,
            age_s: 0.5,
        }
    }

    fn inertial() -> ToldInertial {
        ToldInertial {
            value: Inertial {
                r_eci_km: vec![1.0, 2.0, 7000.0],
                v_eci_km_s: vec![7.5, 0.0, -1.0],
            },
            age_s: 0.0,
        }
    }

    fn earth_fixed() -> ToldEarthFixed {
        ToldEarthFixed {
            value: EarthFixed {
                r_ecef_km: vec![2.0, 1.0, 7000.0],
                v_ecef_km_s: vec![7.0, 0.0, 1.0],
            },
            age_s: 0.0,
        }
    }

    fn location() -> ToldLocation {
        ToldLocation {
            value: Location {
                latitude_deg: -12.5,
                longitude_deg: 179.0,
                altitude_km: 512.0,
                deviation: Some(Deviation {
                    latitude_deg: 0.1,
                    longitude_deg: 0.2,
                    altitude_km: 0.01,
                }),
            },
            age_s: 0.0,
        }
    }

    fn attitude() -> ToldAttitude {
        ToldAttitude {
            value: Attitude {
                mode: Mode::NadirPointYaw,
                mode_commanded: None,
                body_from_eci: Some(Quaternion {
                    x: 0.0,
                    y: 0.6,
                    z: 0.0,
                    w: 0.8,
                }),
                body_from_orbit: None,
                euler: Some(Euler {
                    roll_deg: 0.0,
                    pitch_deg: 1.0,
                    yaw_deg: 2.0,
                }),
                rates_deg_s: Some(vec![0.0, -0.06, 0.0]),
                control_error_deg: Some(0.2),
                target: Some(Target {
                    latitude_deg: 50.0,
                    longitude_deg: 10.0,
                }),
            },
            age_s: 0.0,
        }
    }

    fn eclipse() -> ToldEclipse {
        ToldEclipse {
            value: true,
            age_s: 0.0,
        }
    }

    fn power() -> ToldPower {
        let rail = Rail {
            name: "5v".to_owned(),
            on: Some(true),
            voltage_v: Some(5.02),
            current_a: None,
        };
        ToldPower {
            value: Power {
                battery_v: Some(7.9),
                rails: vec![rail],
            },
            age_s: 0.0,
        }
    }

    /// This bus has none, and its schema says so.
    fn thermal() -> Option<ToldThermal> {
        None
    }

    fn payload_server_c() -> Temperature {
        Temperature {
            value: -3.0,
            age_s: 2.0,
        }
    }
}

/// What the bus answers to a query in the body of a request.
pub(crate) fn answer(body: &[u8]) -> String {
    let request: serde_json::Value = serde_json::from_slice(body).unwrap();
    let schema = RootNode::new(Bus, EmptyMutation::new(), EmptySubscription::new());
    let query = request["query"].as_str().unwrap();
    let (data, errors) =
        juniper::execute_sync(query, None, &schema, &Variables::new(), &()).unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    serde_json::json!({ "data": data }).to_string()
}
